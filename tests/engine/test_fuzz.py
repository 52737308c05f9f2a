"""Whatever is sent, no route fails, and every answer is what the document says: schemathesis decides what to send.

`FUZZ_EXAMPLES` says how many cases a route gets; `make fuzz` runs many more than every test run does.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from engine_app.api.app import create_api
from tests.conftest import RunningEngine
from tests.trading import bot

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "200"))
DEAR_EXAMPLES = max(10, EXAMPLES // 10)
DEAR = ("/api/auth", "/api/account/password", "/api/account/keys", "/api/wallet/airdrop")
"""Each of these costs a password hash or transactions on the chain."""
ENDS_SESSIONS = (
    "/api/account/logout",
    "/api/account/logout-everywhere",
    "/api/account/password",
    "/api/account/sessions/{sessionId}",
)
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
LEAST_CASES = 1_500 if EXAMPLES >= 200 else 0

SCHEMA = schemathesis.openapi.from_dict(create_api().openapi())
SCHEMA.config.generation.update(with_security_parameters=False)
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
answered: Counter[int] = Counter()


@pytest.fixture(scope="module")
def shared(engine: RunningEngine) -> Iterator[requests.Session]:
    """Connections that all cases share, in the name of an account without funds."""
    with bot(engine.base_url, funded=False) as account, requests.Session() as made:
        made.headers["Authorization"] = account.client.headers["Authorization"]
        yield made


@pytest.fixture
def session(request: pytest.FixtureRequest, engine: RunningEngine) -> Iterator[requests.Session]:
    """The shared connections, or some of their own for cases that may end their session."""
    if request.node.callspec.params["operation"].path not in ENDS_SESSIONS:
        yield request.getfixturevalue("shared")
        return
    with bot(engine.base_url, funded=False) as account, requests.Session() as made:
        made.headers["Authorization"] = account.client.headers["Authorization"]
        yield made


def test_the_document_is_the_one_that_is_served(engine: RunningEngine) -> None:
    assert requests.get(f"{engine.base_url}/api/openapi.json", timeout=30).json() == SCHEMA.raw_schema


def test_what_has_a_line_break_in_its_path_reaches_the_api(engine: RunningEngine) -> None:
    answer = requests.delete(f"{engine.base_url}/api/wallet/addresses/%0A%29", timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_as_documented(operation: Any, engine: RunningEngine, session: requests.Session) -> None:
    modes = [operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]

    @given(case=st.one_of(*modes), known_tokens=st.booleans())
    @settings(
        max_examples=DEAR_EXAMPLES if operation.path in DEAR else EXAMPLES,
        derandomize=EXAMPLES <= 200,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Case[Any], known_tokens: bool) -> None:
        if known_tokens:
            name_tokens(case)
        headers = {"Authorization": session.headers["Authorization"]}
        answer = case.call(base_url=engine.base_url, session=session, headers=headers, timeout=30)
        answered[answer.status_code] += 1
        # Where a body may be left out, an empty one is none.
        case.validate_response(answer, checks=CHECKS if case.body else CHECKS[:-1])

    send()


def name_tokens(case: Case[Any]) -> None:
    """Let a case ask for tokens that exist, so that more of it is looked at than their names."""
    for asked in (case.body, case.query):
        if isinstance(asked, dict):
            for field, token in (("tokenIn", "SOL"), ("tokenOut", "USDC"), ("token", "SOL")):
                if isinstance(asked.get(field), str):
                    asked[field] = token


def test_enough_was_sent_and_much_of_it_accepted() -> None:
    total = answered.total()
    print(f"{total} cases: {dict(sorted(answered.items()))}")
    assert total >= LEAST_CASES
    assert not [status for status in answered if status >= 500]
    assert sum(count for status, count in answered.items() if status < 300) > total // 20

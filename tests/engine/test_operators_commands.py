"""What an operator does with a running engine from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from engine_app.cli.program import app
from engine_app.orders.errors import OrderNotFound
from tests.conftest import RunningEngine
from tests.trading import bot

Command = Callable[..., Result]


@pytest.fixture
def operate(engine: RunningEngine, tmp_path: Path) -> Command:
    """Runs a command against the engine's database."""
    environment = {"DATABASE_URL": engine.database_url, "DATA_DIR": str(tmp_path), "ENV_FILE": ""}

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env=environment)

    return run


def test_intake_is_paused_for_everybody_and_resumed(engine: RunningEngine, operate: Command) -> None:
    with bot(engine.base_url) as trader:
        body = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "0.1"}
        key = {"Idempotency-Key": uuid4().hex}
        first = trader.client.post("/api/orders/execute", json=body, headers=key)
        assert operate("pause", "--why", "the chain is being upgraded").exit_code == 0
        try:
            refused = trader.client.post("/api/orders/execute", json=body)
            assert refused.status_code == 503
            assert refused.headers["Retry-After"] == "60"
            assert refused.json()["code"] == "INTAKE_PAUSED"
            assert refused.json()["detail"] == "no new orders are taken at the moment: the chain is being upgraded"
            again = trader.client.post("/api/orders/execute", json=body, headers=key)
            assert again.json()["orderId"] == first.json()["orderId"]
            assert trader.wait(first.json()["orderId"])["status"] == "confirmed"
        finally:
            assert operate("resume").exit_code == 0
        assert trader.wait(trader.place(amount="0.1"))["status"] == "confirmed"


def test_an_orders_whole_story(engine: RunningEngine, operate: Command) -> None:
    with bot(engine.base_url) as trader:
        order = trader.wait(trader.place(amount="0.1"))
        told = operate("story", order["orderId"])
        assert told.exit_code == 0
        assert f"of {trader.username}, wallet {trader.address()}" in told.stdout
        assert order["txHash"] in told.stdout
        happened = told.stdout[told.stdout.index("events") :]
        names = ("placed", "routed", "submitted", "confirmed")
        assert [happened.index(f"  {name}") for name in names] == sorted(happened.index(f"  {name}") for name in names)


def test_an_order_that_nobody_knows_has_no_story(operate: Command) -> None:
    told = operate("story", str(uuid4()))
    assert isinstance(told.exception, OrderNotFound)
    assert told.stdout == ""


def test_stuck_lists_nothing_where_everything_moves(operate: Command) -> None:
    told = operate("stuck", "--minutes", "60")
    assert (told.exit_code, told.stdout, told.stderr) == (0, "", "0 orders are stuck.\n")

"""What the page says about errors and waiting."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from engine_app.accounts.errors import InvalidKeyRequest
from engine_app.chain.errors import RpcUnavailable
from engine_app.markets.errors import InvalidAmount, NoPool
from engine_app.orders.errors import InvalidSlippage
from engine_app.storage.rate_limits import RateLimited
from engine_app.ui.words import may_pass, sentence, told, wait_words


def test_an_unusable_amount_says_what_is_wrong_with_it() -> None:
    assert told(InvalidAmount("the amount is not above zero")) == "The amount is not above zero."


def test_an_unusable_key_says_what_is_wrong_with_it() -> None:
    unusable = InvalidKeyRequest("a key's name has 1 to 50 visible characters")
    assert told(unusable) == "A key's name has 1 to 50 visible characters."


def test_slippage_is_told_in_percent() -> None:
    assert "%" in told(InvalidSlippage("slippage 0.6 is not a fraction: give 0.01 for 1 %"))
    assert "0.6" not in told(InvalidSlippage("slippage 0.6 is not a fraction: give 0.01 for 1 %"))


def test_other_errors_are_told_in_the_words_of_the_registry() -> None:
    words = told(NoPool("every pool refuses: 7Jut: the vault is empty"))
    assert "7Jut" not in words
    assert words.endswith(".")
    assert "node" in told(RpcUnavailable("connection refused"))


def test_a_limit_says_how_long() -> None:
    assert told(RateLimited("10 an hour", retry_after=600)).endswith("Try again in 10 minutes.")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (RpcUnavailable("connection refused"), True),
        (RateLimited("10 an hour", retry_after=600), True),
        (OperationalError("SELECT 1", None, Exception()), True),
        (NoPool("none"), False),
        (InvalidAmount("the amount is not above zero"), False),
    ],
)
def test_only_what_does_not_lie_in_the_question_may_pass(error: Exception, passes: bool) -> None:
    assert may_pass(error) is passes


def test_a_sentence_begins_large_and_ends_with_one_stop() -> None:
    assert sentence("no node answers.") == "No node answers."


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "1 s"), (5, "5 s"), (89, "89 s"), (90, "2 minutes"), (600, "10 minutes")]
)
def test_a_wait_in_words(seconds: int, words: str) -> None:
    assert wait_words(seconds) == words


def test_a_database_that_is_away_is_told_too() -> None:
    words = told(OperationalError("select 1", None, Exception("refused")))
    assert words.startswith("The engine's database does not answer at the moment. Look at your orders")

"""Custom errors by the name in the logs first, else by number."""

from __future__ import annotations

from engine_app.markets.venues.program_error import classify
from engine_app.markets.venues.venue import ErrorKind, ProgramError

NAMES = {6000: "NotApproved", 6005: "ExceededSlippage"}
KINDS = {"ExceededSlippage": ErrorKind.SLIPPAGE, "NotApproved": ErrorKind.CLOSED}


def _thrown(name: str, number: int) -> str:
    return (
        f"Program log: AnchorError thrown in programs/swap.rs:83. Error Code: {name}. "
        f"Error Number: {number}. Error Message: something."
    )


def test_the_name_in_the_log_outweighs_the_number() -> None:
    logs = ["Program X invoke [1]", _thrown("ExceededSlippage", 6000), "Program X failed"]
    assert classify(6000, logs, NAMES, KINDS) == ProgramError(6000, "ExceededSlippage", ErrorKind.SLIPPAGE)


def test_a_log_of_another_error_does_not_count() -> None:
    assert classify(6005, [_thrown("NotApproved", 6000)], NAMES, KINDS).name == "ExceededSlippage"


def test_without_logs_the_number_is_looked_up() -> None:
    assert classify(6005, [], NAMES, KINDS).kind == ErrorKind.SLIPPAGE
    assert classify(2505, [], NAMES, KINDS) == ProgramError(2505, "RequireGtViolated", ErrorKind.OTHER)


def test_an_unknown_error_keeps_its_number() -> None:
    assert classify(7777, ["nothing said"], NAMES, KINDS) == ProgramError(7777, "custom error 7777", ErrorKind.OTHER)

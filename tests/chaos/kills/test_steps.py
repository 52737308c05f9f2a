"""The steps are read from the source as it is now."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import CodeType

from tests.chaos.kills.steps import NOT_HERE, PATH, PROJECT, all_points, all_steps

SIGNED = "signed = engine.signer.sign(built.message, planned.allowed, planned.lookup_tables)"


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def statements(file: str) -> Iterator[tuple[str, str]]:
    """The functions of a file with the first lines of their statements."""
    text = (PROJECT / file).read_text()
    lines = text.splitlines()
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.stmt):
                    yield function.name, lines[node.lineno - 1].strip()


def test_every_point_is_a_line_that_runs() -> None:
    for file in {point.file for point in all_points()}:
        module = compile((PROJECT / file).read_text(), file, "exec")
        lines = {(code.co_name, line) for code in codes(module) for _, _, line in code.co_lines()}
        assert {(point.function, point.line) for point in all_points() if point.file == file} <= lines


def test_signing_committing_and_sending_are_three_steps() -> None:
    steps = [{point.text for point in step} for step in all_steps()]
    signed = next(step for step in steps if SIGNED in step)
    assert "with attempts.signature_told_apart():" in signed
    committed = next(step for step in steps if "await engine.watcher.send(turn.order, attempt, turn.token)" in step)
    sent = next(step for step in steps if "await self._rpc.send(attempt.transaction)" in step)
    assert signed is not committed
    assert committed is not sent


def test_what_is_left_out_is_still_there() -> None:
    written = {statement for file in PATH for statement in statements(file)}
    assert NOT_HERE.keys() <= written
    assert not {(point.function, point.text) for point in all_points()} & NOT_HERE.keys()

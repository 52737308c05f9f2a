"""The steps at which a worker is killed, read from the source of the path that an order takes.

A point is a place between two source lines: just before a statement, or just before an `async with` block is left
(where a transaction commits). A step is a stretch of points that ends with something the world outside notices, a
commit or a call of the chain, or that follows a commit: wherever in it a process dies, the same things have and have
not happened.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]

PATH: dict[str, tuple[str, ...]] = {
    "engine_app/execution/run.py": (),
    "engine_app/execution/turn.py": (),
    "engine_app/execution/trade.py": (),
    "engine_app/execution/transfer.py": (),
    "engine_app/execution/tries.py": (),
    "engine_app/execution/settle.py": (),
    "engine_app/execution/watcher.py": ("send", "take_up"),
    "engine_app/chain/landing/landing.py": ("submit", "follow"),
    "engine_app/chain/landing/sending.py": ("first",),
}
"""The functions of the path, by file; none named means every one that waits for something."""


FROZEN = "only a worker that was frozen for longer than its lease comes here"
UNFORESEEN = "only an error that nobody foresaw comes here"
NOT_HERE = {
    ("run", 'log.warning("order.database_away", order=str(order_id), error=str(error))'): "no database goes away here",
    ("_run", 'log.info("order.taken_over")'): FROZEN,
    ("_try_step", "await turn.fail(error.code, error.detail)"): "every order of these can be built and signed",
    ("_plan", 'raise RpcUnavailable(f"the node\'s answer cannot be read: {error}") from error'): "no node lies here",
    ("_plan", 'raise TransferRefused(TOKEN_NOT_TRANSFERABLE, "its transfer fee has risen since the first try")'): (
        "no mint here has a fee"
    ),
    ("turn_at", "let_go(engine, order_id, turn.token)"): UNFORESEEN,
    ("turn_at", "raise"): UNFORESEEN,
    ("_none_has_spent", "slot, statuses = await poll.signature_statuses(asked)"): "every node here has its history",
    ("follow", "if known is not None:"): "no attempt is taken up twice by one process",
}
"""Statements that no kill can lead to, by function and text, and why."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where a process dies.

    Attributes:
        file: path within the project.
        function: its name.
        line: the statement's first line.
        left_from: for the end of an `async with` block, the first line inside it; else None.
        text: the statement's first line as written.
    """

    file: str
    function: str
    line: int
    left_from: int | None
    text: str

    def __str__(self) -> str:
        place = f"{Path(self.file).stem}.{self.function}:{self.line}"
        return f"{place:<34} {'end of ' if self.left_from is not None else ''}{self.text}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Statements in a row.

    Attributes:
        points: where in it to die; each is reached whenever the stretch is.
        branches: further points that only some runs through the stretch reach.
        is_step: whether it ends with something the world outside notices, or follows a commit.
    """

    points: tuple[Point, ...]
    branches: tuple[Point, ...]
    is_step: bool


def all_points() -> tuple[Point, ...]:
    """Every point of the path."""
    return tuple(point for stretch in _stretches() for point in (*stretch.points, *stretch.branches))


def all_steps() -> tuple[tuple[Point, ...], ...]:
    """The points of every step of the path, step by step."""
    return tuple(stretch.points for stretch in _stretches() if stretch.is_step)


@cache
def _stretches() -> tuple[Stretch, ...]:
    return tuple(
        stretch
        for file in PATH
        for function in _functions(file)
        for stretch in _Reader(file, function.name, _source(file).splitlines()).read(function)
    )


@cache
def _functions(file: str) -> tuple[ast.AsyncFunctionDef, ...]:
    """The functions of the path in a file; raises ValueError where one that is named does not exist."""
    found = [node for node in ast.walk(ast.parse(_source(file))) if isinstance(node, ast.AsyncFunctionDef)]
    named = PATH[file]
    if not {function.name for function in found} >= set(named):
        raise ValueError(f"{file} has not all of {named}")
    return tuple(sorted((each for each in found if not named or each.name in named), key=lambda each: each.lineno))


@cache
def _source(file: str) -> str:
    return (PROJECT / file).read_text()


class _Reader:
    """Cuts one function into stretches."""

    def __init__(self, file: str, function: str, lines: Sequence[str]) -> None:
        self._file = file
        self._function = function
        self._lines = lines
        self._stretches: list[Stretch] = []
        self._points: list[Point] = []
        self._branches: list[Point] = []
        self._follows_commit = False

    def read(self, function: ast.AsyncFunctionDef) -> list[Stretch]:
        self._block(function.body[1:] if ast.get_docstring(function) is not None else function.body)
        self._cut()
        return self._stretches

    def _cut(self, *, noticed: bool = False, commits: bool = False) -> None:
        if self._points:
            is_step = noticed or commits or self._follows_commit
            self._stretches.append(Stretch(tuple(self._points), tuple(self._branches), is_step))
            self._follows_commit = commits
        self._points, self._branches = [], []

    def _text(self, statement: ast.stmt) -> str:
        return self._lines[statement.lineno - 1].strip()

    def _is_reached(self, statement: ast.stmt) -> bool:
        return (self._function, self._text(statement)) not in NOT_HERE

    def _point(self, statement: ast.stmt, *, left_from: int | None = None) -> Point:
        return Point(self._file, self._function, statement.lineno, left_from, self._text(statement))

    def _block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            if self._is_reached(statement):
                self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.AsyncWith() if _is_at_once(statement):
                *inside, end = self._inside(statement)
                self._points += inside
                self._cut(commits=True)
                self._points.append(end)
            case ast.AsyncWith() if _is_transaction(statement):
                self._points += self._inside(statement)
                self._cut(commits=True)
            case ast.With() if _writes_at_once(statement):
                self._points += [self._point(statement), *map(self._point, statement.body)]
                self._cut(commits=True)
            case ast.AsyncWith() | ast.With():
                self._points.append(self._point(statement))
                self._block(statement.body)
                if isinstance(statement, ast.AsyncWith):
                    self._points.append(self._point(statement, left_from=statement.body[0].lineno))
            case ast.Try():
                self._block(statement.body)
                for handler in statement.handlers:
                    self._branch(handler.body)
                self._block(statement.finalbody)
            case ast.If() | ast.For() | ast.Match() if _waits(statement):
                self._points.append(self._point(statement))
                for branch in _branches(statement):
                    self._branch(branch)
            case ast.If() | ast.For() | ast.Match():
                self._points.append(self._point(statement))
                self._branches += self._nested(statement)
            case _:
                self._points.append(self._point(statement))
                if _is_noticed(statement):
                    self._cut(noticed=True)

    def _branch(self, statements: Sequence[ast.stmt]) -> None:
        self._cut()
        self._block(statements)
        self._cut()

    def _inside(self, block: ast.AsyncWith) -> Iterator[Point]:
        """The points of a transaction: none of it has happened before its end is over."""
        yield self._point(block)
        for statement in block.body:
            yield self._point(statement)
            self._branches += self._nested(statement)
        yield self._point(block, left_from=block.body[0].lineno)

    def _nested(self, statement: ast.stmt) -> Iterator[Point]:
        for branch in _branches(statement):
            for inner in branch:
                if self._is_reached(inner):
                    yield self._point(inner)
                    yield from self._nested(inner)


def _is_transaction(statement: ast.AsyncWith) -> bool:
    """Whether what the block writes is committed where it is left; `connected` is what a turn is handed as such."""
    transactions = (".transaction()", ".together()", "connected")
    return any(ast.unparse(item.context_expr).endswith(transactions) for item in statement.items)


def _is_at_once(statement: ast.AsyncWith) -> bool:
    """Whether what the block writes is committed as it is written."""
    return any(".at_once()" in ast.unparse(item.context_expr) for item in statement.items)


def _writes_at_once(statement: ast.With) -> bool:
    """Whether all that the block does is to advance the order, in a transaction of that call's own."""
    text = "\n".join(map(ast.unparse, statement.body))
    return len(statement.body) == 1 and text.startswith("await turn.advance(") and "session=" not in text


def _waits(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Await | ast.AsyncWith | ast.Yield) for node in ast.walk(statement))


def _is_noticed(statement: ast.stmt) -> bool:
    """Whether the statement waits for something outside: not for a function of the path, whose own steps count, and
    not for a statement inside its caller's transaction."""
    waits = [node.value for node in ast.walk(statement) if isinstance(node, ast.Await)]
    return any(isinstance(call, ast.Call) and not (_is_of_path(call) or _has_session(call)) for call in waits)


def _is_of_path(call: ast.Call) -> bool:
    *owner, name = ast.unparse(call.func).split(".")
    return "_rpc" not in owner and any(name == function.name for file in PATH for function in _functions(file))


def _has_session(call: ast.Call) -> bool:
    return any(isinstance(value, ast.Name) and value.id == "session" for value in call.args) or any(
        keyword.arg == "session" for keyword in call.keywords
    )


def _branches(statement: ast.stmt) -> list[list[ast.stmt]]:
    if isinstance(statement, ast.Match):
        return [case.body for case in statement.cases]
    if isinstance(statement, ast.If | ast.For):
        return [statement.body, statement.orelse] if statement.orelse else [statement.body]
    return []

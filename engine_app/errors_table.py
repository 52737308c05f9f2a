"""Every error code as the table in docs/errors.md."""

from __future__ import annotations

from pathlib import Path

from engine_app import operations
from engine_app.api import app as api
from engine_app.errors import all_codes
from engine_app.execution import process

SOURCES = (api, process, operations)
"""Between them these import every room, and so every code."""

HEAD = """# Error codes

A code never changes its meaning. Over REST it stands in the `code` of the problem document, in an order in
`error.code`. This table is made from the code: `make settings` writes it anew.

| Code | What happened | What happened to the money | What to do next |
|---|---|---|---|
"""


def markdown() -> str:
    """The page: one row a code, by name."""
    rows = (f"| `{code.code}` | {code.happened} | {code.money} | {code.next_step} |\n" for code in all_codes())
    return HEAD + "".join(rows)


def write(project: Path) -> None:
    """Bring docs/errors.md up to date."""
    (project / "docs" / "errors.md").write_text(markdown())

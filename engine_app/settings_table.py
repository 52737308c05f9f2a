"""The settings as text: the table in README and `.env.example`, both made from the settings classes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from engine_app.settings import WorkerSettings

TABLE_BEGINS = "<!-- settings -->\n"
TABLE_ENDS = "<!-- /settings -->"


class Row(NamedTuple):
    """One setting: the variable's name, its default as one writes it (empty: none), and what it does."""

    name: str
    default: str
    description: str


def rows() -> Iterator[Row]:
    """Every setting, in the classes' order."""
    yield Row("ENV_FILE", ".env", "File with settings, read where the environment does not name them; empty: none")
    for name, field in WorkerSettings.model_fields.items():
        yield Row(name.upper(), _written(field.default), field.description or "")


def _written(value: object) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | Decimal | Path):
        return str(value)
    raise TypeError(f"no way to write {value!r} in an environment variable")


def markdown() -> str:
    """The table in README."""
    lines = ["| Variable | Default | What it does |", "|---|---|---|"]
    lines += [f"| `{name}` | {f'`{default}`' if default else ''} | {text} |" for name, default, text in rows()]
    return "\n".join(lines) + "\n"


def env_example() -> str:
    """The content of `.env.example`: every setting with its default, commented out."""
    head = "# Copy to .env and uncomment what you change. Everything has a default that works on one machine.\n"
    entries = [f"# {text}\n#{name}={default}\n" for name, default, text in rows() if name != "ENV_FILE"]
    return "\n".join([head, *entries])


def write(project: Path) -> None:
    """Bring `.env.example` and README's table, which stands between its two markers, up to date."""
    (project / ".env.example").write_text(env_example())
    readme = project / "README.md"
    before, _, rest = readme.read_text().partition(TABLE_BEGINS)
    _, _, after = rest.partition(TABLE_ENDS)
    readme.write_text(f"{before}{TABLE_BEGINS}{markdown()}{TABLE_ENDS}{after}")

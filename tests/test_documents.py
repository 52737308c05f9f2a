"""What the documents name is there: commands, files, settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine_app.cli.program import app
from engine_app.embedded.processes import PROJECT
from engine_app.settings import WorkerSettings

DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")])
COMMANDS = {
    str(command.name or getattr(command.callback, "__name__", "")).replace("_", "-")
    for command in app.registered_commands
}
TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
SETTINGS = {name.upper() for name in WorkerSettings.model_fields}


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.name)
def document(request: pytest.FixtureRequest) -> tuple[Path, str]:
    """One document and its text."""
    return request.param, request.param.read_text()


def test_every_command_in_it_exists(document: tuple[Path, str]) -> None:
    _, text = document
    assert set(re.findall(r"python -m engine_app ([a-z][a-z-]*)", text)) <= COMMANDS
    assert set(re.findall(r"`make ([a-z-]+)`", text)) <= TARGETS
    for module in re.findall(r"python -m ((?:bench|tests)[a-z_.]*)", text):
        assert (PROJECT / f"{module.replace('.', '/')}.py").exists(), module


def test_every_file_that_it_links_to_exists(document: tuple[Path, str]) -> None:
    path, text = document
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (path.parent / target).exists(), target


def test_every_setting_that_a_line_of_it_sets_exists(document: tuple[Path, str]) -> None:
    _, text = document
    own = {"CHAOS", "KILLS", "REAL", "NEW", "BASE", "TOKEN"}
    named = {name for name in re.findall(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)=", text) if name.split("_")[0] not in own}
    assert named <= SETTINGS | {"ENV_FILE"}

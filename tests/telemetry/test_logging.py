"""What stands in a log line, of the engine's own loggers and of the standard library's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LINES = """
import logging as standard
import sys
from decimal import Decimal
from engine_app.telemetry import logging

logging.configure(level="INFO", json_lines=sys.argv[1] == "json", process="worker-1")
log = logging.get_logger("engine_app.orders")
with logging.bound(order="an id"):
    log.debug("not told")
    log.info("order.decided", amount=Decimal("1.50"), units=2**70)
    log.warning("half of a pair", text=chr(0xD800))
    standard.getLogger("a.library").warning("by %s", "the standard library")
try:
    secret = "a secret"
    raise ValueError("broken")
except ValueError:
    log.exception("it.failed")
"""


def told(form: str) -> list[str]:
    """What a process tells on stderr."""
    ran = subprocess.run([sys.executable, "-c", LINES, form], capture_output=True, check=True)
    return ran.stderr.decode().splitlines()


def test_every_line_is_json_with_what_is_bound() -> None:
    lines = [json.loads(line) for line in told("json")]
    assert [line["event"] for line in lines] == [
        "order.decided", "half of a pair", "by the standard library", "it.failed",
    ]  # fmt: skip
    assert [line["logger"] for line in lines] == ["engine_app.orders"] * 2 + ["a.library", "engine_app.orders"]
    assert [line["level"] for line in lines] == ["info", "warning", "warning", "error"]
    assert {line["process"] for line in lines} == {"worker-1"}
    assert [line.get("order") for line in lines] == ["an id"] * 3 + [None]
    assert lines[0]["units"] == 2**70
    assert "1.50" in lines[0]["amount"]
    assert "ValueError: broken" in lines[3]["exception"]


@pytest.mark.parametrize("form", ["json", "terminal"])
def test_no_line_tells_what_local_variables_hold(form: str) -> None:
    assert "ValueError: broken" in "\n".join(told(form))
    assert "'a secret'" not in "\n".join(told(form))


def test_a_terminal_gets_lines_to_read() -> None:
    lines = told("terminal")
    assert "not told" not in "\n".join(lines)
    assert "order.decided" in lines[0]
    assert "[engine_app.orders]" in lines[0]
    assert "order=an id" in lines[0].replace("'", "")
    assert "by the standard library" in lines[2]
    assert "[a.library]" in lines[2]


UNUSUAL = """
import sys
from dataclasses import dataclass, field
from engine_app.telemetry import logging

@dataclass
class Login:
    name: str
    password: str = field(repr=False)

logging.configure(level="INFO", json_lines=sys.argv[1] == "json", process="worker-1")
log = logging.get_logger("engine_app.orders")
log.info("logged.in", who=Login("anna", "open sesame"))
log.info("cannot.be.shown", amounts={(1, 2): 3})
print("went on")
"""


def run_unusual(form: str, stderr: int) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", UNUSUAL, form]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, check=False)


@pytest.mark.parametrize("form", ["json", "terminal"])
def test_a_line_that_cannot_be_written_stops_nobody(form: str) -> None:
    with Path("/dev/full").open("wb") as full:
        assert run_unusual(form, full.fileno()).stdout == b"went on\n"
    shown = run_unusual(form, subprocess.PIPE)
    assert shown.stdout == b"went on\n"
    assert b"cannot.be.shown" in shown.stderr or b"keys must be str" in shown.stderr


@pytest.mark.parametrize("form", ["json", "terminal"])
def test_what_a_dataclass_hides_is_told_by_no_line(form: str) -> None:
    shown = run_unusual(form, subprocess.PIPE).stderr
    assert b"Login(name='anna')" in shown
    assert b"sesame" not in shown.splitlines()[0]

"""What `up` writes to the terminal and to the logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine_app.embedded.service import Service
from engine_app.embedded.terminal import Terminal

WORKER = Service(name="worker-1", argv=("true",))


@pytest.fixture(params=["in a step", "afterwards"])
def in_step(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "in a step")


def written(logs: Path, line: str, *, in_step: bool, bare: bool = False) -> None:
    terminal = Terminal(logs, bare_lines=bare)
    if in_step:
        with terminal.step("worker-1"):
            terminal.service_line(WORKER, line)
    else:
        terminal.service_line(WORKER, line)
    terminal.close()


def test_a_services_line_has_its_name_before_it_and_stands_in_its_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, in_step: bool
) -> None:
    written(tmp_path, "order.confirmed  [bold]slot=1[/bold]", in_step=in_step)
    assert "worker-1   │ order.confirmed  [bold]slot=1[/bold]\n" in capsys.readouterr().out
    assert (tmp_path / "worker-1.log").read_text() == "order.confirmed  [bold]slot=1[/bold]\n"


def test_a_line_tells_the_terminal_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, in_step: bool
) -> None:
    written(tmp_path, "name='\x1b[2J\x07\x9b2J'\tlong", in_step=in_step)
    shown = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    assert "name='[2J2J'" in shown


def test_names_are_in_colour_where_the_terminal_has_colours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    written(tmp_path, "order.confirmed", in_step=False)
    assert "worker-1   │ \x1b[0morder.confirmed\n" in capsys.readouterr().out


def test_json_lines_are_left_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str], *, in_step: bool) -> None:
    written(tmp_path, '{"event": "order.confirmed"}', in_step=in_step, bare=True)
    assert '{"event": "order.confirmed"}' in capsys.readouterr().out.splitlines()

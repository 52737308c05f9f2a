"""Kills the process at a point: a trace hook that the product knows nothing of."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from tests.chaos.kills.steps import PROJECT, Point


@dataclass(frozen=True, slots=True)
class Aim:
    """When to die.

    Attributes:
        point: where.
        skip: how often to pass it first.
    """

    point: Point
    skip: int


class Trap:
    """Waits for the first of some aims to be reached, on every thread that is started from then on."""

    def __init__(self, aims: Sequence[Aim], *, report: int, lingers: bool) -> None:
        """
        Args:
            aims: the first that is reached counts.
            report: a file descriptor; the number of the aim is written to it when it is reached.
            lingers: go on until somebody else kills the process, instead of dying at once.
        """
        self._report = report
        self._lingers = lingers
        self._passes = [aim.skip for aim in aims]
        self._places: dict[tuple[str, int], list[tuple[int, Point]]] = {}
        for number, aim in enumerate(aims):
            place = (str(PROJECT / aim.point.file), aim.point.line)
            self._places.setdefault(place, []).append((number, aim.point))
        self._names = frozenset(aim.point.function for aim in aims)
        self._files = frozenset(file for file, _ in self._places)

    def set(self) -> None:
        """Begin to wait."""
        threading.settrace(self._on_call)

    def _on_call(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        if code.co_name in self._names and code.co_filename in self._files:
            return self._on_line
        return None

    def _on_line(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        if event == "line":
            for number, point in self._places.get((frame.f_code.co_filename, frame.f_lineno), ()):
                if _is_leaving(frame, point) is (point.left_from is not None):
                    self._passed(number)
        return self._on_line

    def _passed(self, number: int) -> None:
        self._passes[number] -= 1
        if self._passes[number] >= 0:
            return
        os.write(self._report, b"%d\n" % number)
        if not self._lingers:
            os.kill(os.getpid(), signal.SIGKILL)
        self._places = {}
        threading.settrace(None)
        sys.settrace(None)


def _is_leaving(frame: FrameType, point: Point) -> bool:
    """Whether a block's own line is come to again, from inside the block."""
    return point.left_from is not None and frame.f_lasti >= _offset(frame.f_code, point.left_from)


def _offset(code: CodeType, line: int) -> int:
    """Where in the bytecode a line begins."""
    return min(start for start, _, found in code.co_lines() if found == line)

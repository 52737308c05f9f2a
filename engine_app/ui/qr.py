"""A text as a QR code, as the one path of a picture. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import segno

QUIET = 4
"""Modules of light around a code, as ISO/IEC 18004 asks for."""


@dataclass(frozen=True)
class QrCode:
    """A code to be drawn in a square of `size` by `size` units: `path` is SVG's, filled with the dark colour."""

    path: str = ""
    size: int = 0


def qr_code(text: str) -> QrCode:
    """The QR code of a text, each run of dark modules in a line a rectangle. An empty text has none."""
    if not text:
        return QrCode()
    matrix = segno.make(text, error="m", micro=False).matrix
    rectangles = []
    for line, modules in enumerate(matrix):
        column = 0
        for dark, run in groupby(modules):
            width = len(list(run))
            if dark:
                rectangles.append(f"M{column + QUIET} {line + QUIET}h{width}v1h-{width}z")
            column += width
    return QrCode("".join(rectangles), len(matrix) + 2 * QUIET)

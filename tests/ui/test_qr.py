"""The picture of a QR code holds the text's modules, and nothing but them."""

from __future__ import annotations

import re

import segno

from engine_app.ui.qr import QUIET, QrCode, qr_code

ADDRESS = "6tdB4E3bSLjpYqWcFj1sQ7dJv5zYQ1o2mWZ7ZqnWZ7Zq"
RECTANGLE = re.compile(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z")


def test_the_path_draws_every_dark_module_once() -> None:
    matrix = segno.make(ADDRESS, error="m", micro=False).matrix
    code = qr_code(ADDRESS)
    rectangles = [tuple(map(int, found)) for found in RECTANGLE.findall(code.path)]
    assert "".join(f"M{x} {y}h{width}v1h-{back}z" for x, y, width, back in rectangles) == code.path
    drawn = [(y - QUIET, x + column - QUIET) for x, y, width, _ in rectangles for column in range(width)]
    dark = {(y, x) for y, line in enumerate(matrix) for x, module in enumerate(line) if module}
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == dark
    assert code.size == len(matrix) + 2 * QUIET


def test_nothing_has_no_code() -> None:
    assert qr_code("") == QrCode()

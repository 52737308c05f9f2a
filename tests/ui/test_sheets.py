"""No sheet changes by accident what another sheet's class looks like."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

SHEETS = sorted((Path(__file__).resolve().parents[2] / "assets" / "css").glob("*.css"))
WHOLE_RULE = re.compile(r"^\.([a-z][\w-]*)\s*[,{]", re.MULTILINE)
"""A rule for a class alone, outside any media query."""


def test_a_class_is_drawn_in_one_sheet() -> None:
    drawn: dict[str, set[str]] = defaultdict(set)
    for sheet in SHEETS:
        for name in WHOLE_RULE.findall(sheet.read_text()):
            drawn[name].add(sheet.name)
    assert {name: sheets for name, sheets in drawn.items() if len(sheets) > 1} == {}

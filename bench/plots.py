"""The plots of docs/performance, as small SVG files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pygal
from pygal.style import CleanStyle

STYLE = CleanStyle(font_family="sans-serif", background="#ffffff", plot_background="#ffffff", title_font_size=16)
_SCRIPT = re.compile(rb"<script.*?</script>", re.DOTALL)
SIZE = {"width": 720, "height": 360}


def draw(found: dict[str, Any], folder: Path) -> None:
    """Draw what was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    one = found["one at a time"]
    share = pygal.XY(title="One order at a time: share done within ms", stroke=True, show_dots=False, **_look())
    for name in ("floor", "engine"):
        ranked = sorted(one["samples"][name])
        share.add(name, [(ms, 100 * (number + 1) / len(ranked)) for number, ms in enumerate(ranked)])
    _write(share, folder / "one-at-a-time.svg")

    cost = pygal.HorizontalStackedBar(title="CPU ms an order", **_look())
    cost.x_labels = ["4 a second", "sustained"]
    prices = [found["cost"]["an order"], found["sustained"]["engine"]["an order"]]
    for name in prices[0]:
        if name.startswith("CPU of "):
            cost.add(name.removeprefix("CPU of ").removesuffix(", ms"), [price[name] for price in prices])
    _write(cost, folder / "cpu.svg")

    runs = found["sustained"]["long"]
    lasted = max(len(run["by ten seconds"]) for run in runs)
    late = pygal.Line(
        title="Submit → confirmed: p95 of each ten seconds, ms, by orders a minute",
        show_dots=False,
        range=(0, max(2000, *(most for run in runs for most in run["by ten seconds"]))),
        x_labels_major_count=7,
        show_minor_x_labels=False,
        **_look(),
    )
    late.x_labels = [f"{number * 10} s" for number in range(lasted)]
    for run in runs:
        late.add(str(run["orders a minute"]), run["by ten seconds"])
    _write(late, folder / "sustained.svg")

    grown = found["history"]
    kinds = ("newest", "far back", "failed ones", "of a token")
    most = max(size[kind]["p95"] for size in grown for kind in kinds)
    pages = pygal.Line(title="A history page: p95, ms, by rows in all", range=(0, max(25, most)), **_look())
    pages.x_labels = [f"{size['rows']:,}" for size in grown]
    for name in kinds:
        pages.add(name, [size[name]["p95"] for size in grown])
    _write(pages, folder / "history.svg")


def _look(*, legend: bool = True) -> dict[str, Any]:
    return SIZE | {"style": STYLE, "js": [], "legend_at_bottom": True, "show_legend": legend, "truncate_label": -1}


def _write(chart: Any, path: Path) -> None:
    # The script that pygal adds is for tooltips, which an image in a document has none of.
    path.write_bytes(_SCRIPT.sub(b"", chart.render()))

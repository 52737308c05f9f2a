"""The look comes from one place: the sheets take every colour, size and distance from the tokens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine_app.ui import site, theme

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SHEETS = sorted((ASSETS / "css").glob("*.css"))
LOCAL = {
    "tone", "line", "tone-soft", "normal-bg", "normal-border", "normal-text", "border-radius", "digits", "fitting"
}  # fmt: skip
"""Variables that the sheets set for themselves, or for the toasts."""


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` as WCAG 2 defines it."""
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_a_sheet_names_no_colour_of_its_own(sheet: Path) -> None:
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", sheet.read_text()) == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_every_variable_of_a_sheet_is_a_token(sheet: Path) -> None:
    used = set(re.findall(r"var\(--([\w-]+)", sheet.read_text()))
    assert used - LOCAL <= {*theme.SCALE, *theme.LIGHT}


def test_dark_has_every_colour_that_light_has() -> None:
    assert set(theme.DARK) == set(theme.LIGHT)


def test_every_sheet_is_on_the_page() -> None:
    assert {f"/css/{sheet.name}" for sheet in SHEETS} == set(site.STYLE_SHEETS)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((text, ground) for text in ("text", "text-soft", "text-faint") for ground in ("bg", "surface", "inset")),
        *(("text", ground) for ground in ("hover", "raised", "good-soft", "warn-soft", "bad-soft")),
        ("text-faint", "hover"),
        ("text-soft", "hover"),
        ("text-soft", "good-soft"),
        ("text-faint", "bad-soft"),
        ("on-accent", "accent"),
        ("accent-text", "surface"),
        ("accent-text", "accent-soft"),
        ("good", "surface"),
        ("good", "good-soft"),
        ("surface", "good"),
        ("warn", "surface"),
        ("warn", "warn-soft"),
        ("bad", "surface"),
        ("bad", "bad-soft"),
    ],
)
def test_text_can_be_read_on_its_ground(colours: dict[str, str], text: str, ground: str) -> None:
    assert contrast(colours[text], colours[ground]) >= 4.5

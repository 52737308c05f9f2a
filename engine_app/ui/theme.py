"""The visual language: every colour, size and distance of the page, under the name the style sheets use.

The sheets in `assets/css` hold rules only and take each value from here as a CSS variable, so that one look is
changed in one place. `css_variables()` goes into the head of every page.
"""

from __future__ import annotations

from collections.abc import Mapping

SCALE: Mapping[str, str] = {
    # A QR code is dark on light in any mode, or cameras do not read it.
    "qr-ink": "#12151d",
    "qr-ground": "#ffffff",
    # Distances: a 4 px grid.
    "space-1": "0.25rem",
    "space-2": "0.5rem",
    "space-3": "0.75rem",
    "space-4": "1rem",
    "space-5": "1.25rem",
    "space-6": "1.5rem",
    "space-8": "2rem",
    "space-10": "2.5rem",
    "space-16": "4rem",
    # Type.
    "font": "'Inter', ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif",
    "font-mono": "ui-monospace, 'SF Mono', 'Cascadia Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace",
    "text-xs": "0.75rem",
    "text-sm": "0.8125rem",
    "text-md": "0.9375rem",
    # A phone zooms into a field whose text is smaller than 16 px.
    "text-touched": "1rem",
    "text-lg": "1.125rem",
    "text-xl": "1.5rem",
    "text-amount": "1.75rem",
    "weight-normal": "450",
    "weight-medium": "550",
    "weight-bold": "650",
    # Shapes.
    "radius-sm": "0.5rem",
    "radius-md": "0.75rem",
    "radius-lg": "1.125rem",
    "radius-full": "999px",
    "bar-height": "3.75rem",
    "banner-height": "1.75rem",
    "control-height": "3rem",
    "page-width": "73rem",
    "reading-width": "60rem",
    # Motion.
    "quick": "120ms cubic-bezier(0.2, 0, 0, 1)",
    "calm": "240ms cubic-bezier(0.2, 0, 0, 1)",
}

LIGHT: Mapping[str, str] = {
    "bg": "#f5f6f9",
    "surface": "#ffffff",
    "inset": "#f3f4f8",
    "hover": "#eceef4",
    "raised": "#ffffff",
    "border": "#e2e5ec",
    "border-strong": "#c9ceda",
    "text": "#12151d",
    "text-soft": "#4a5263",
    "text-faint": "#616a7b",
    "accent": "#4f46e5",
    "accent-hover": "#4338ca",
    "on-accent": "#ffffff",
    "accent-text": "#4338ca",
    "accent-soft": "#eeedfd",
    "good": "#08724a",
    "good-soft": "#e3f5ec",
    "warn": "#875400",
    "warn-soft": "#fdf1dc",
    "bad": "#b92336",
    "bad-soft": "#fdebed",
    "ring": "#4f46e559",
    "shadow": "0 1px 2px #12151d0a, 0 8px 24px -12px #12151d1f",
    "shadow-float": "0 2px 6px #12151d14, 0 18px 48px -12px #12151d38",
    "glow": "#4f46e512",
    "shade": "#12151d66",
    "on-bad": "#ffffff",
    "line-raydium": "#4f46e5",
    "line-meteora": "#b45309",
}

DARK: Mapping[str, str] = {
    "bg": "#0a0c11",
    "surface": "#12151c",
    "inset": "#0d1016",
    "hover": "#1b1f29",
    "raised": "#2c3241",
    "border": "#232835",
    "border-strong": "#394052",
    "text": "#eceef3",
    "text-soft": "#a9b0bf",
    "text-faint": "#8a92a3",
    "accent": "#5b57f0",
    "accent-hover": "#6f6bf5",
    "on-accent": "#ffffff",
    "accent-text": "#aaa8ff",
    "accent-soft": "#1e1e3d",
    "good": "#42d79a",
    "good-soft": "#10281f",
    "warn": "#f0b651",
    "warn-soft": "#2b2213",
    "bad": "#ff8490",
    "bad-soft": "#2e161b",
    "ring": "#8f8cff66",
    "shadow": "0 1px 2px #00000066",
    "shadow-float": "0 2px 6px #00000080, 0 18px 48px -12px #000000b3",
    "glow": "#5b57f01f",
    "shade": "#000000a6",
    "on-bad": "#1b0509",
    "line-raydium": "#8f8cff",
    "line-meteora": "#f0b651",
}


def css_variables() -> str:
    """The tokens as CSS: `:root` has the scale and the light colours, `.dark` the dark ones."""

    def block(selector: str, *groups: Mapping[str, str]) -> str:
        pairs = "".join(f"--{name}:{value};" for group in groups for name, value in group.items())
        return f"{selector}{{{pairs}}}"

    return block(":root", SCALE, LIGHT) + block(".dark", DARK)

"""Keys of the page: what an element names as its `aria-keyshortcuts` reaches it, J and K walk through rows.

One listener for all: a field with a shortcut is focused, anything else is pressed. No key is taken from who is typing,
from a dialog that is open, or from the browser's own shortcuts. Escape leaves a field. Who has turned the keys off has
that in the browser, where each press looks.
"""

from __future__ import annotations

from reflex.utils.imports import ImportVar
from reflex_components_core.base.fragment import Fragment

from engine_app.ui.states.preferences import OFF, SHORTCUTS

_PRESS = """
const isField = (element) => element.matches("input, select, textarea, [contenteditable]");

const walk = (step) => {
  const stops = [...document.querySelectorAll("[data-walk]")];
  const next = stops.indexOf(document.activeElement) + step;
  stops[Math.max(next, 0)]?.focus();
};

const pressKey = (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isField(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (localStorage.getItem("<shortcuts>") === "<off>") return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "j" || event.key === "k") return walk(event.key === "j" ? 1 : -1);
  if (event.key.length !== 1) return;
  const reached = document.querySelector(`[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
  if (!reached) return;
  event.preventDefault();
  if (isField(reached)) reached.focus();
  else reached.click();
};
""".replace("<shortcuts>", SHORTCUTS).replace("<off>", OFF)

_LISTEN = """
useEffect(() => {
  document.addEventListener("keydown", pressKey);
  return () => document.removeEventListener("keydown", pressKey);
}, []);
"""


class Keys(Fragment):  # type: ignore[misc]
    """Shows nothing; one a page."""

    def add_imports(self) -> dict[str, list[ImportVar]]:
        """What the code above uses."""
        return {"react": [ImportVar(tag="useEffect")]}

    def add_custom_code(self) -> list[str]:
        """What a key does."""
        return [_PRESS]

    def add_hooks(self) -> list[str]:
        """Listen as long as the page is shown."""
        return [_LISTEN]

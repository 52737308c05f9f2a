"""Carries out in the browser what `engine_app.ui.browser` asks for."""

from __future__ import annotations

from reflex.utils.format import format_ref
from reflex.utils.imports import ImportVar
from reflex_components_core.base.fragment import Fragment
from reflex_components_sonner.toast import Toaster

from engine_app.ui.browser import ERRANDS
from engine_app.ui.places import NEXT

_CARRY_OUT = """
// In front of a dialog is only what entered the browser's top layer after it.
const raiseToasts = () => {
  const region = document.querySelector("section[aria-label^=Notifications]");
  if (!region || !document.querySelector("dialog[open]")) return;
  region.popover = "manual";
  if (region.matches(":popover-open")) region.hidePopover();
  region.showPopover();
};

const tellToast = ({ tone, title, description, subject, milliseconds }) => {
  toast[tone](title, {
    id: subject,
    description,
    duration: tone === "loading" ? Infinity : milliseconds,
  });
  raiseToasts();
};

const copyText = async (text, what) => {
  const subject = `copied ${what}`;
  try {
    await navigator.clipboard.writeText(text);
    tellToast({ tone: "success", title: `${what} copied`, subject, milliseconds: 3000 });
  } catch {
    tellToast({ tone: "error", title: `The browser did not let ${what} be copied`, subject, milliseconds: 6000 });
  }
};

const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

// What the server changes together with this errand is drawn a few frames later.
const KEEP_FOCUS_MS = 1_000;
const keepFocus = (element, until) => {
  const focused = document.activeElement;
  if (!focused || focused === document.body || focused.disabled)
    document.getElementById(element)?.focus({ preventScroll: true });
  if (performance.now() < until) requestAnimationFrame(() => keepFocus(element, until));
};

const toComeBack = () => {
  const here = window.location.pathname + window.location.search;
  return here === "/" ? "" : `?<next>=${encodeURIComponent(here)}`;
};

// The browser itself gives the focus to the first thing of a dialog: the button that closes it.
const openDialog = (dialog) => {
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector("[data-focus]")?.focus();
};

const carryOut = (errand) => {
  const element = (name) => document.getElementById(errand[name]);
  if (errand.toast) tellToast(errand.toast);
  if (errand.forgetLoading)
    for (const { id, type } of toast.getToasts()) if (type === "loading") toast.dismiss(id);
  if (errand.leave) window.location.replace(errand.comeBack ? errand.leave + toComeBack() : errand.leave);
  if (errand.copy !== undefined) copyText(errand.copy, errand.what);
  if (errand.copyField) copyText(element("copyField")?.value ?? "", errand.what);
  if (errand.scrollTo)
    element("scrollTo")?.scrollIntoView({ behavior: calm() ? "auto" : "smooth", block: "nearest" });
  if (errand.keepFocus) keepFocus(errand.keepFocus, performance.now() + KEEP_FOCUS_MS);
  if (errand.fill) {
    const field = element("fill");
    if (field && !field.value) field.value = errand.value;
  }
  if (errand.clear) {
    const field = element("clear");
    if (field) field.value = "";
  }
  if (errand.showOnce) {
    const field = element("showOnce");
    if (field) {
      field.value = errand.secret;
      field.closest("dialog")?.addEventListener("close", () => { field.value = ""; }, { once: true });
    }
  }
  if (errand.openDialog) openDialog(element("openDialog"));
  if (errand.closeDialog) element("closeDialog")?.close();
};
""".replace("<next>", NEXT)

_TAKE_ERRANDS = f"""
useEffect(() => {{
  refs["{format_ref(ERRANDS)}"] = {{ current: {{ set value(errand) {{ carryOut(errand); }} }} }};
}}, []);
"""


class Errands(Fragment):  # type: ignore[misc]
    """Shows nothing. One for the whole app, so that errands are carried out across pages."""

    def add_imports(self) -> dict[str, list[ImportVar]]:
        """What the code above uses."""
        return {
            "react": [ImportVar(tag="useEffect")],
            str(Toaster.create().library): [ImportVar(tag="toast", install=False)],
            "$/utils/state": [ImportVar(tag="refs")],
        }

    def add_custom_code(self) -> list[str]:
        """How each errand is carried out."""
        return [_CARRY_OUT]

    def add_hooks(self) -> list[str]:
        """Take errands as long as the app is shown."""
        return [_TAKE_ERRANDS]

"""How the page is built. `web` serves an export of it and never builds (see engine_app.embedded.frontend)."""

import os
import shutil
import sys
from pathlib import Path

import reflex as rx

PLACEHOLDER_PORT = 47831
"""Baked into every export; the copy that `web` serves has the real port in its place."""

os.environ.setdefault("REFLEX_CHECK_LATEST_VERSION", "false")
os.environ.setdefault("REFLEX_USE_GRANIAN", "true")


def _bun() -> Path:
    """The bun that came with the Python environment, else the one on PATH."""
    bundled = Path(sys.prefix) / "bin" / "bun"
    found = shutil.which("bun")
    return bundled if bundled.exists() or found is None else Path(found)


def _state_manager_mode() -> rx.constants.StateManagerMode:
    modes = rx.constants.StateManagerMode
    return modes.REDIS if os.environ.get("REFLEX_REDIS_URL") else modes.MEMORY


config = rx.Config(
    app_name="engine_app",
    api_url=f"http://localhost:{PLACEHOLDER_PORT}",
    bun_path=_bun(),
    telemetry_enabled=False,
    # Pages, API and websocket share one origin: no other origin is let in over HTTP. The event websocket's
    # own same-origin check is set in engine_app.ui.app.
    cors_allowed_origins=[],
    # A tab's state is only a view of Postgres: lost with the process or with Redis, restored by cookie and on_load.
    # Several web processes share it in Redis (see engine_app.embedded.processes).
    state_manager_mode=_state_manager_mode(),
    show_built_with_reflex=False,
    disable_plugins=[rx.plugins.SitemapPlugin],
)

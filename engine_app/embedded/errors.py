"""Why a start on this machine cannot go on; each message is what the person at the terminal reads."""

from __future__ import annotations

from engine_app.settings import SettingsError

CANNOT_START = 2
"""Exit code of a process that another start would not help: a bad setting, the wrong chain. Never restarted."""


class StartFailed(Exception):
    """A service did not become ready; the message ends with the last lines it wrote."""

    exit_code = 1


class CannotStart(SettingsError):
    """Something must be changed before a start makes sense; the message is one line that says what."""

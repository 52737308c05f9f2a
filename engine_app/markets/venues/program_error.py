"""Naming the custom errors of pool programs, and what kind of trouble each one is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from engine_app.markets.venues.venue import ErrorKind, ProgramError

_ANCHOR_LOG = re.compile(r"Error Code: (\w+)\. Error Number: (\d+)\.")

# Errors of the Anchor framework itself that a swap can end with.
_ANCHOR_NAMES = {
    2000: "ConstraintMut",
    2003: "ConstraintRaw",
    2006: "ConstraintSeeds",
    2012: "ConstraintAddress",
    2501: "RequireEqViolated",
    2505: "RequireGtViolated",
    2506: "RequireGteViolated",
    3002: "AccountDiscriminatorMismatch",
    3007: "AccountOwnedByWrongProgram",
    3012: "AccountNotInitialized",
}


def name_in_logs(code: int, logs: Iterable[str]) -> str | None:
    """The name an Anchor program logged beside this error number, or None.

    A number may mean something else in another build of a program; the name in the log does not.
    """
    for line in logs:
        found = _ANCHOR_LOG.search(line)
        if found and int(found[2]) == code:
            return found[1]
    return None


def classify(code: int, logs: Iterable[str], names: Mapping[int, str], kinds: Mapping[str, ErrorKind]) -> ProgramError:
    """A custom error by its name in the logs, else by its number in `names`; its kind by its name."""
    name = name_in_logs(code, logs) or names.get(code) or _ANCHOR_NAMES.get(code) or f"custom error {code}"
    return ProgramError(code, name, kinds.get(name, ErrorKind.OTHER))

"""Which tests share a process where several run them: those that share dear services, else those of one file."""

from __future__ import annotations

from pathlib import PurePath

from xdist.scheduler import LoadScopeScheduling

TESTS = PurePath("tests")

GROUPS = (
    ("chaos/faults", "faults"),
    ("chaos", "kills"),
    ("embedded", "embedded"),
    ("e2e", "engine"),
    ("engine", "engine"),
    ("monitoring", "engine"),
)
"""Folders below `tests` and their group; the first that fits counts. The groups that take longest come first."""


def group_of(path: PurePath) -> str:
    """The group of a test file, by its path below `tests`."""
    place = path.as_posix()
    return next((group for folder, group in GROUPS if place.startswith(f"{folder}/")), place)


def turn_of(path: PurePath) -> int:
    """When a file's turn comes: the longest groups first, so that none of them is what all others wait for."""
    names = list(dict.fromkeys(group for _, group in GROUPS))
    group = group_of(path)
    return names.index(group) if group in names else len(names)


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives the tests of a group to one process.

    pytest-xdist's own groups ride on a node's private id, which pytest 9.2 reads no more.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(PurePath(nodeid.partition("::")[0]).relative_to(TESTS))

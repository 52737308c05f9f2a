"""Become a supervised program: `launch.py PARENT SIGNAL UID:GID PROGRAM ARGUMENTS…` ends in exec.

It runs in the child, between fork and exec, as a small program of its own, because Python code is not safe
there in a parent that has threads. On Linux the kernel is asked to send SIGNAL when the parent dies, so that a
supervisor killed with SIGKILL leaves nothing behind. UID:GID is `-` where the user stays the same.

Standard library only: it is started with `python -I -S`.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Drop to the user, tie this process to its parent, and exec the program."""
    parent, signal_number, user, program = int(arguments[0]), int(arguments[1]), arguments[2], arguments[3:]
    if user != "-":
        uid, gid = (int(part) for part in user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After the change of user, which clears the setting; exec keeps it.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the supervisor is gone")
    try:
        os.execv(program[0], program)  # noqa: S606 - there is no shell to want
    except OSError as error:
        sys.exit(f"{program[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Tell whoever started this process that it is ready: a line to the file descriptor that READY_FD names."""

from __future__ import annotations

import os


def tell_ready() -> None:
    """Write the line and close the descriptor; does nothing where nobody asked, or at a second call."""
    descriptor = os.environ.pop("READY_FD", None)
    if descriptor is not None:
        os.write(int(descriptor), b"ready\n")
        os.close(int(descriptor))

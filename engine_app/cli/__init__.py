"""The command line; the one place that may import the embedded services and the local chain.

Exit codes: 0, stopped as asked; 1, a part failed; 2, something must be changed before a start makes sense.
"""

from engine_app.cli import operate, prepare, start
from engine_app.cli.program import main

__all__ = ["main", "operate", "prepare", "start"]

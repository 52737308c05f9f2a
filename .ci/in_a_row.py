"""Run a command several times in a row, up to the first failure: `python .ci/in_a_row.py COUNT COMMAND…`.

Tells the seconds of each run, and at the end how many ran and failed, their median and the longest.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time


def main() -> int:
    """Run it; 1 where a run failed."""
    count, command = int(sys.argv[1]), sys.argv[2:]
    took: list[float] = []
    failed = 0
    while len(took) < count and not failed:
        begun = time.monotonic()
        failed = int(subprocess.run(command, check=False).returncode != 0)  # noqa: S603 - who calls this names it
        took.append(time.monotonic() - begun)
        print(f"run {len(took)} of {count}: {took[-1]:.1f} s{', failed' if failed else ''}", flush=True)
    median, longest = statistics.median(took), max(took)
    print(f"{len(took)} runs, {failed} failures; median {median:.1f} s, longest {longest:.1f} s")
    return failed


if __name__ == "__main__":
    sys.exit(main())

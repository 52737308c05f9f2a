"""µs per quote of every venue, from raw account bytes and from a decoded pool: `python -m bench.venues`.

Takes the measured states of tests/vectors and every amount that was paid there; one number per file, the median over
its cases of the best of several rounds. Made on one core; other work on the machine makes the numbers larger.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter_ns

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account
from engine_app.markets.check import venue_of
from engine_app.markets.vectors import Case, State, VectorFile, read_vectors
from engine_app.markets.venues.venue import SwapQuote, Venue

VECTORS = Path(__file__).parents[1] / "tests" / "vectors"
ROUNDS = 5
CASES_PER_FILE = 120


def _best_us(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = perf_counter_ns()
        work()
        times.append(perf_counter_ns() - began)
    return min(times) / 1000


def _paid(vectors: VectorFile) -> list[tuple[State, Case]]:
    cases = [(state, case) for state in vectors.states for case in state.cases if case.result is not None]
    return cases[:: max(1, len(cases) // CASES_PER_FILE)]


def _from_bytes(venue: Venue, state: State, case: Case, accounts: Mapping[Pubkey, Account]) -> SwapQuote:
    return venue.decode(case.pool, accounts).quote_exact_in(case.mint_in, case.amount, state.clock)


def measure(vectors: VectorFile, venue: Venue) -> tuple[float, float, float]:
    """Median µs: decode and quote from raw bytes, quote alone, and the slowest quote alone of all cases."""
    raw, quoting = [], []
    for state, case in _paid(vectors):
        accounts = state.accounts_of(case)
        pool = venue.decode(case.pool, accounts)
        raw.append(_best_us(partial(_from_bytes, venue, state, case, accounts)))
        quoting.append(_best_us(partial(pool.quote_exact_in, case.mint_in, case.amount, state.clock)))
    return median(raw), median(quoting), max(quoting)


def measure_all() -> dict[str, tuple[float, float, float]]:
    """The same of every file, by its name."""
    gc.disable()
    found = {}
    for path in sorted(VECTORS.glob("*.json.gz")):
        vectors = read_vectors(path)
        found[path.name.removesuffix(".json.gz")] = measure(vectors, venue_of(vectors))
    gc.enable()
    return found


def main() -> None:
    """Measure every file and print a table."""
    heads = ("from raw bytes", "from a pool", "slowest", "µs per quote")
    sys.stdout.write(f"{'measured answers':<22}{heads[0]:>16}{heads[1]:>14}{heads[2]:>10}   {heads[3]}\n")
    for name, (raw, quoting, slowest) in measure_all().items():
        sys.stdout.write(f"{name:<22}{raw:>16.1f}{quoting:>14.1f}{slowest:>10.1f}\n")


if __name__ == "__main__":
    main()

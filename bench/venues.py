"""µs per quote of every venue, from raw account bytes and from a decoded pool: `python -m bench.venues`.

Takes the measured states of tests/vectors and every amount that was paid there; of each file the median over its cases,
and between what four fifths of them lie, each case the best of several rounds. Made on one core; other work on the
machine makes the numbers larger.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter_ns

from solders.pubkey import Pubkey

from bench.figures import no_garbage, spread
from engine_app.chain.accounts import Account
from engine_app.markets.check import venue_of
from engine_app.markets.vectors import Case, State, VectorFile, read_vectors
from engine_app.markets.venues.venue import SwapQuote, Venue

VECTORS = Path(__file__).parents[1] / "tests" / "vectors"
ROUNDS = 25
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


def measure(vectors: VectorFile, venue: Venue) -> dict[str, dict[str, float]]:
    """µs over all cases: decode and quote from raw bytes, and quote alone."""
    raw, quoting = [], []
    for state, case in _paid(vectors):
        accounts = state.accounts_of(case)
        pool = venue.decode(case.pool, accounts)
        raw.append(_best_us(partial(_from_bytes, venue, state, case, accounts)))
        quoting.append(_best_us(partial(pool.quote_exact_in, case.mint_in, case.amount, state.clock)))
    return {"from raw bytes": spread(raw), "from a pool": spread(quoting) | {"max": round(max(quoting), 2)}}


def measure_all() -> dict[str, dict[str, dict[str, float]]]:
    """The same of every file, by its name."""
    found = {}
    with no_garbage():
        for path in sorted(VECTORS.glob("*.json.gz")):
            vectors = read_vectors(path)
            found[path.name.removesuffix(".json.gz")] = measure(vectors, venue_of(vectors))
    return found


def main() -> None:
    """Measure every file and print a table."""
    heads = ("from raw bytes", "p10 – p90", "from a pool", "p10 – p90", "slowest", "µs per quote")
    sys.stdout.write(
        f"{'measured answers':<20}{heads[0]:>16}{heads[1]:>16}{heads[2]:>13}{heads[3]:>16}{heads[4]:>9}   {heads[5]}\n"
    )
    for name, found in measure_all().items():
        line = f"{name:<20}"
        for part, width in (("from raw bytes", 16), ("from a pool", 13)):
            took = found[part]
            between = f"{took['p10']:.1f} – {took['p90']:.1f}"
            line += f"{took['median']:>{width}.1f}{between:>16}"
        sys.stdout.write(f"{line}{found['from a pool']['max']:>9.1f}\n")


if __name__ == "__main__":
    main()

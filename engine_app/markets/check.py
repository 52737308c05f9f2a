"""Hold the venues' quotes against measured answers: `python -m engine_app.markets.check FILE…`.

Prints per file: cases, exact, refused rightly, wrong. Exits 1 where any is wrong, 2 where a file cannot be read.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine_app.chain.accounts import DecodeError
from engine_app.chain.clusters import CLUSTERS
from engine_app.markets.vectors import Case, NotVectors, State, VectorFile, read_vectors
from engine_app.markets.venues.registry import older_builds, venues_for
from engine_app.markets.venues.venue import ErrorKind, ExactOutPool, Pool, QuoteRefused, Refusal, SwapQuote, Venue

MEASURED_ON = CLUSTERS["mainnet-beta"]

_REASONS = {
    ErrorKind.CLOSED: {Refusal.CLOSED, Refusal.NOT_OPEN_YET},
    ErrorKind.LIQUIDITY: {Refusal.OUT_OF_LIQUIDITY, Refusal.OUT_OF_RANGE},
    ErrorKind.TOO_SMALL: {Refusal.TOO_SMALL},
}
"""Refusals that say what an error of the kind says; any will do for other errors."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A case that the venue answers otherwise than its program: the state's label, the case, and what is wrong."""

    state: str
    case: Case
    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """How many cases of a file came out exact, were refused where the program refuses, or are wrong."""

    cases: int
    exact: int
    refused: int
    wrong: tuple[Wrong, ...]


def venue_of(vectors: VectorFile) -> Venue:
    """The venue that quotes like the program that was measured. Raises NotVectors where there is none."""
    older = older_builds(MEASURED_ON).get(vectors.build)
    if older is not None:
        return older
    for venue in venues_for(MEASURED_ON):
        if venue.program_id == vectors.program:
            return venue
    raise NotVectors(f"no venue has the program {vectors.program}")


def check(vectors: VectorFile, venue: Venue) -> Result:
    """Quote every case of a file."""
    exact = refused = 0
    wrong: list[Wrong] = []
    for state in vectors.states:
        for case, answer in _answers(venue, state):
            reason = _why_wrong(venue, case, answer)
            if reason is not None:
                wrong.append(Wrong(state.label, case, reason))
            elif case.result is None:
                refused += 1
            else:
                exact += 1
    return Result(exact + refused + len(wrong), exact, refused, tuple(wrong))


def answer_to(pool: Pool, case: Case, state: State) -> SwapQuote | QuoteRefused:
    """What the pool quotes for the case."""
    try:
        if not case.exact_out:
            return pool.quote_exact_in(case.mint_in, case.amount, state.clock)
        if not isinstance(pool, ExactOutPool):
            return QuoteRefused(Refusal.UNSUPPORTED, "the venue does not swap for an exact amount out")
        return pool.quote_exact_out(case.mint_in, case.amount, state.clock)
    except QuoteRefused as refusal:
        return refusal


def _answers(venue: Venue, state: State) -> Iterator[tuple[Case, SwapQuote | QuoteRefused | DecodeError]]:
    for case in state.cases:
        try:
            pool = venue.decode(case.pool, state.accounts_of(case))
        except DecodeError as error:
            yield case, error
        else:
            yield case, answer_to(pool, case, state)


def _why_wrong(venue: Venue, case: Case, answer: SwapQuote | QuoteRefused | DecodeError) -> str | None:
    if isinstance(answer, DecodeError):
        return f"cannot be decoded: {answer}"
    if case.result is None:
        if isinstance(answer, SwapQuote):
            return f"quotes {_result(case, answer)} where the program fails with {case.error}"
        kind = (
            venue.classify_error(case.error, [case.error_log]).kind if isinstance(case.error, int) else ErrorKind.OTHER
        )
        if answer.reason not in _REASONS.get(kind, {answer.reason}):
            return f"refuses because of {answer} where the program fails with {case.error} ({kind})"
        return None
    if isinstance(answer, QuoteRefused):
        return f"refuses because of {answer} where the program gives {case.result}"
    if _result(case, answer) != case.result:
        return f"quotes {_result(case, answer)} where the program gives {case.result}"
    return None


def _result(case: Case, quote: SwapQuote) -> int:
    return quote.amount_in if case.exact_out else quote.amount_out


def main(paths: Sequence[str]) -> int:
    """Check files and print what came out; the exit code."""
    if not paths:
        sys.stderr.write("usage: python -m engine_app.markets.check FILE…\n")
        return 2
    failed = False
    for path in paths:
        try:
            vectors = read_vectors(Path(path))
            result = check(vectors, venue_of(vectors))
        except (NotVectors, OSError) as error:
            sys.stderr.write(f"{error}\n")
            return 2
        sys.stdout.write(
            f"{Path(path).name}: {result.cases} cases, {result.exact} exact, {result.refused} refused rightly, "
            f"{len(result.wrong)} wrong\n"
        )
        for wrong in result.wrong:
            case = wrong.case
            sys.stdout.write(
                f"  {wrong.state}: {case.amount} of {case.mint_in} in {case.pool} for {case.mint_out}: {wrong.reason}\n"
            )
        failed |= bool(result.wrong) or not result.cases
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

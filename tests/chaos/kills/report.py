"""What came of a campaign, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.audit import Audit, Books
from tests.chaos.kills.occasions import Occasion
from tests.chaos.kills.plan import Plan

FEW = 20


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it all.

    Attributes:
        plan: with its hits.
        occasions: kinds of orders.
        books: the database at the end.
        audit: the database against the chain.
        troubles: hits by kind of trouble.
        take_ups: seconds from a worker's death until another took up each order it held.
        seconds: from the first worker to the last death.
    """

    plan: Plan
    occasions: Sequence[Occasion]
    books: Books
    audit: Audit
    troubles: Mapping[str, int]
    take_ups: Sequence[float]
    seconds: float

    def lines(self) -> Iterator[str]:
        """The hits of each point, what became of each kind of order, and all that is wrong."""
        yield "hits  point"
        for point, hits in sorted(self.plan.hits.items(), key=lambda hit: (hit[0].file, hit[0].line)):
            yield f"{hits:4}  {point}"
        for target in self.plan.missed():
            yield f"   0  {target[0]}"
        for occasion in self.occasions:
            orders = (self.books.orders[order_id] for order_id in occasion.placed)
            ended = Counter(order.error_code or order.status for order in orders)
            yield f"{occasion.name}: " + ", ".join(f"{count} {how}" for how, count in ended.most_common())
        yield "troubles: " + ", ".join(f"{kind} {hits}" for kind, hits in sorted(self.troubles.items()))
        yield f"orders of killed workers moved again: {waits(self.take_ups)}"
        yield (
            f"seed {self.plan.seed}: {self.plan.kills} kills ({self.plan.strays} of them off the path) "
            f"in {self.seconds:.0f} s, {self.audit.orders} orders, {self.audit.landed} transactions landed, "
            f"{len(self.audit.doubled)} doubled, {len(self.audit.lost)} lost"
        )
        yield from self.audit.differences


def news(plan: Plan, seconds: float) -> Iterator[str]:
    """How far a plan has come after so many seconds, and what it still waits for once that is little."""
    missed = plan.missed()
    yield f"{plan.kills} kills ({plan.strays} off the path) in {seconds:.0f} s, {len(missed)} targets not hit yet"
    if len(missed) <= FEW:
        yield from (f"   0  {target[0]}" for target in missed)


def waits(seconds: Sequence[float]) -> str:
    """How long many things took."""
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    return (
        f"{len(ordered)}, median {ordered[len(ordered) // 2]:.1f} s, "
        f"95 % within {ordered[len(ordered) * 95 // 100]:.1f} s, last {ordered[-1]:.1f} s"
    )

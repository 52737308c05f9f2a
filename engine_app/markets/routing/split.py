"""Dividing an amount over pools so that together they pay most. Pure.

What a pool pays is a step function of the amount: it rounds, it refuses below some amount and beyond its range, and its
price may change at the edges of ticks and bins. But for that it is concave, each further unit being paid no better than
the one before, so a division is best where no part of it gains by moving to another pool. That is searched for from
large parts down to small ones, with no derivative that a step could mislead. Amounts so small that the steps are all
there is are divided by trying every division.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from solders.pubkey import Pubkey

from engine_app.markets.routing.route import Leg
from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.venue import Pool, QuoteRefused, SwapQuote

SHORTLIST = 5
"""Pools among which an amount is divided, of however many there are."""
EVERY_DIVISION_OVER_TWO = 2_000
"""Base units up to which every division over two pools is tried."""
EVERY_DIVISION_OVER_THREE = 200
"""Base units up to which every division over three pools is tried."""

_SMALL_PROBE = 512
"""A pool's price for small parts is asked at one part in so many of the amount."""
_HALVINGS = 16
"""How often an amount is halved to see how much of it a pool takes."""
_FIRST_STEP = 8
"""The search begins with moving one part in so many of the amount."""
_CLOSE_ENOUGH = 1 << 17
"""It ends where smaller moves can gain no more than about one part in so many of what the whole pays."""
_NOT_FAR = 8
"""A division of fewer legs is looked at where a leg, as far as is easily told, brings in less than so many times what
it costs."""
_TRIED_WITHOUT = 2
"""Pools that are tried to be done without, of those that bring in least."""
_REFUSED = -(1 << 128)
"""What a refusal counts as: less than any division can make up for."""
_ANYTHING = 1 << 128


class Offers:
    """What one pool pays for amounts of a mint; each is asked once."""

    __slots__ = ("_answers", "_clock", "_mint_in", "_paid", "pool")

    def __init__(self, pool: Pool, mint_in: Pubkey, clock: ChainClock) -> None:
        self.pool = pool
        self._mint_in = mint_in
        self._clock = clock
        self._paid: dict[int, int] = {0: 0}
        self._answers: dict[int, SwapQuote | str] = {}

    def pays(self, amount_in: int) -> int:
        """Base units for `amount_in`; far below zero where the pool refuses it or pays nothing for it."""
        paid = self._paid.get(amount_in)
        if paid is None:
            answer = self.answer(amount_in)
            paid = self._paid[amount_in] = _REFUSED if isinstance(answer, str) else answer.amount_out
        return paid

    def answer(self, amount_in: int) -> SwapQuote | str:
        """The quote for `amount_in`, or why there is none, in a sentence."""
        answer = self._answers.get(amount_in)
        if answer is None:
            answer = self._answers[amount_in] = self._ask(amount_in)
        return answer

    def _ask(self, amount_in: int) -> SwapQuote | str:
        try:
            quote = self.pool.quote_exact_in(self._mint_in, amount_in, self._clock)
        except QuoteRefused as refusal:
            return str(refusal)
        return quote if quote.amount_out else "too small: the amount buys less than one unit"

    def rank(self, amount_in: int) -> tuple[int, int]:
        """What puts one pool before another for `amount_in`: what it pays for as much of it as it takes, found by
        halving; where it takes nothing, what it holds."""
        for halvings in range(_HALVINGS):
            paid = self.pays(amount_in >> halvings)
            if paid > 0:
                return paid, 0
        return 0, max(self.pool.reserve(mint) for mint in self.pool.mints if mint != self._mint_in)

    def leg(self, mint_out: Pubkey, amount_in: int) -> Leg:
        """The leg that sells `amount_in`, which the pool does not refuse."""
        answer = self.answer(amount_in)
        if isinstance(answer, str):
            raise ValueError(f"{self.pool.address} refuses {amount_in}: {answer}")
        return Leg(self.pool, self._mint_in, mint_out, answer)


Division = tuple[int, ...]
"""Base units for each of some pools."""


def split(
    pools: Iterable[Pool],
    *,
    clock: ChainClock,
    mint_in: Pubkey,
    mint_out: Pubkey,
    amount_in: int,
    max_legs: int,
    leg_cost: int = 0,
) -> tuple[Leg, ...]:
    """The legs that together pay most for an amount after what further legs cost, the largest first.

    One leg where no division pays more than that; none where no pool takes the amount, whole or in parts.

    Args:
        pools: of this pair, read at one slot, in any order.
        clock: the chain's clock of that slot.
        mint_in, mint_out: the pair.
        amount_in: base units, all of which is divided.
        max_legs: how many pools may take a part.
        leg_cost: base units of `mint_out` that each leg beyond the first has to bring in.
    """
    asked = sorted((Offers(pool, mint_in, clock) for pool in pools), key=lambda offers: bytes(offers.pool.address))
    return legs_of(asked, mint_out, amount_in, max_legs=max_legs, leg_cost=leg_cost)


def legs_of(
    asked: Sequence[Offers], mint_out: Pubkey, amount_in: int, *, max_legs: int, leg_cost: int
) -> tuple[Leg, ...]:
    """As `split`, of pools in the order of their addresses."""
    if not asked or amount_in <= 0:
        return ()
    listed, best = _best(asked, amount_in, max_legs, leg_cost)
    parts = [(offers, part) for offers, part in zip(listed, best, strict=True) if part]
    parts.sort(key=lambda part: (-part[1], bytes(part[0].pool.address)))
    return tuple(offers.leg(mint_out, part) for offers, part in parts)


def _best(asked: Sequence[Offers], amount: int, max_legs: int, leg_cost: int) -> tuple[Sequence[Offers], Division]:
    """Some pools and what each of them gets; nothing for any where no pool takes it."""
    single = max(range(len(asked)), key=lambda at: asked[at].pays(amount))
    alone = asked[single].pays(amount)
    if max_legs > 1 and len(asked) > 1 and amount > 1:
        listed = _shortlist(asked, amount)
        found = _divisions(listed, amount, max_legs, leg_cost)
        net = max(
            ((_paid(listed, division) - leg_cost * (_legs(division) - 1), division) for division in found),
            key=lambda valued: (valued[0], -_legs(valued[1])),
            default=None,
        )
        if net is not None and net[0] > max(alone, 0):
            return listed, net[1]
    if alone < 0:
        return asked, (0,) * len(asked)
    return [asked[single]], (amount,)


def _shortlist(asked: Sequence[Offers], amount: int) -> list[Offers]:
    """The pools that pay most for all of it, for an eighth, and for a small part, in turn, or for as much of these as
    they take."""
    if len(asked) <= SHORTLIST:
        return list(asked)
    sizes = (amount, max(amount // _FIRST_STEP, 1), max(amount // _SMALL_PROBE, 1))
    rankings = [sorted(asked, key=lambda offers: offers.rank(size), reverse=True) for size in sizes]
    chosen = dict.fromkeys(offers for of_rank in zip(*rankings, strict=True) for offers in of_rank)
    first = frozenset(list(chosen)[:SHORTLIST])
    return [offers for offers in asked if offers in first]


def _divisions(listed: Sequence[Offers], amount: int, max_legs: int, leg_cost: int) -> list[Division]:
    """Good divisions over at most so many pools: the best that was found, and those of fewer legs where what a leg
    brings in is not far above what it costs."""
    if amount <= EVERY_DIVISION_OVER_TWO:
        return _every(listed, amount, max_legs)
    division = _improved(listed, (0,) * len(listed), amount)
    found: list[Division] = []
    while division is not None and _legs(division) > 1:
        spared = _spared(listed, division)
        if _legs(division) <= max_legs:
            found.append(division)
            if spared[0][0] > _NOT_FAR * leg_cost:
                break
        fewer = [_without(listed, division, out) for _, out in spared[:_TRIED_WITHOUT]]
        division = max((one for one in fewer if one is not None), key=lambda one: _paid(listed, one), default=None)
    return found


def _spared(listed: Sequence[Offers], division: Division) -> list[tuple[int, int]]:
    """What is lost without each pool of a division if another one takes all of its part, and which; the least first."""
    used = [at for at, part in enumerate(division) if part]
    lost: list[tuple[int, int]] = []
    for out in used:
        part = division[out]
        taken = max(listed[at].pays(division[at] + part) - listed[at].pays(division[at]) for at in used if at != out)
        lost.append((listed[out].pays(part) - max(taken, 0), out))
    return sorted(lost)


def _without(listed: Sequence[Offers], division: Division, out: int) -> Division | None:
    """The best division over the same pools but this one; None where the others do not take all."""
    others = frozenset(at for at, part in enumerate(division) if part and at != out)
    rest = tuple(0 if at == out else part for at, part in enumerate(division))
    return _improved(listed, rest, division[out], among=others)


def _improved(
    listed: Sequence[Offers], division: Division, more: int, *, among: frozenset[int] | None = None
) -> Division | None:
    """A division of so much more, from which no part gains by moving to another pool; None where the pools do not take
    it.

    What is more is given part after part to the pool that pays most for it. Then parts are moved between pools, from
    large ones to small ones.
    """
    pools = range(len(listed)) if among is None else sorted(among)
    step = max(more // _FIRST_STEP, 1)
    parts = _filled(listed, division, more, step, pools)
    while parts is not None:
        while (move := _best_move(listed, parts, step, pools)) is not None:
            giver, taker, moved = move
            parts[giver] -= moved
            parts[taker] += moved
        if step == 1 or _settled(listed, parts, step, pools):
            return tuple(parts)
        step //= 2
    return None


def _filled(listed: Sequence[Offers], before: Division, more: int, step: int, pools: Sequence[int]) -> list[int] | None:
    """The parts with so much more, in steps, or all of it in one pool where the pools do not take it in steps: some pay
    nothing for little."""
    parts, left = list(before), more
    while left:
        step = min(step, left)
        taker, gain = _taker(listed, parts, step, pools)
        if gain >= 0:
            parts[taker] += step
            left -= step
        elif step > 1:
            step //= 2
        else:
            taker, gain = _taker(listed, before, more, pools)
            return None if gain < 0 else [part + more * (at == taker) for at, part in enumerate(before)]
    return parts


def _taker(listed: Sequence[Offers], parts: Sequence[int], step: int, pools: Sequence[int]) -> tuple[int, int]:
    """The pool that pays most for a step more, and how much."""
    gains = {at: listed[at].pays(parts[at] + step) - listed[at].pays(parts[at]) for at in pools}
    taker = max(pools, key=gains.__getitem__)
    return taker, gains[taker]


def _settled(listed: Sequence[Offers], parts: Sequence[int], step: int, pools: Sequence[int]) -> bool:
    """Whether smaller moves than this one, none of which gained, can gain next to nothing."""
    least = sum(listed[at].pays(parts[at]) for at in pools) // _CLOSE_ENOUGH
    alone = sum(parts[at] > 0 for at in pools) == 1
    return all(_to_gain(listed[at], parts[at], step, alone=alone) <= least for at in pools)


def _to_gain(offers: Offers, part: int, step: int, *, alone: bool) -> int:
    """About what moves of less than a step to or from a pool can gain, where one of a step gains nothing: what its
    price changes within a step of where it stands, since else a small move would gain no more than its share of a step.
    """
    half = step // 2
    paid, more = offers.pays(part), offers.pays(part + step)
    if part < step:
        return _ANYTHING if more < 0 else max(paid, 2 * offers.pays(part + half) - more - paid)
    if alone:
        return 2 * offers.pays(part - half) - paid - offers.pays(part - step)
    if more < 0:
        return paid * step // part
    return 2 * paid - more - offers.pays(part - step)


def _best_move(
    listed: Sequence[Offers], parts: Sequence[int], step: int, pools: Sequence[int]
) -> tuple[int, int, int] | None:
    """Which pool gives how much to which other, where that gains: the move that gains most."""
    best: tuple[int, int, int] | None = None
    most = 0
    for giver in pools:
        if not parts[giver]:
            continue
        moved = min(step, parts[giver])
        given = listed[giver].pays(parts[giver]) - listed[giver].pays(parts[giver] - moved)
        for taker in pools:
            if taker == giver:
                continue
            gain = listed[taker].pays(parts[taker] + moved) - listed[taker].pays(parts[taker]) - given
            if gain > most:
                most, best = gain, (giver, taker, moved)
    return best


def _every(listed: Sequence[Offers], amount: int, max_legs: int) -> list[Division]:
    """The best of all divisions over two and over three of the pools that pay most for the whole amount."""
    ranked = sorted(range(len(listed)), key=lambda at: (-listed[at].pays(amount), at))[:3]
    found: list[Division] = []
    for first, second in combinations(ranked, 2):
        part = max(range(1, amount), key=lambda part: listed[first].pays(part) + listed[second].pays(amount - part))
        found.append(_placed(len(listed), {first: part, second: amount - part}))
    if max_legs > 2 and len(ranked) > 2 and 3 <= amount <= EVERY_DIVISION_OVER_THREE:
        first, second, third = ranked
        one, two = max(
            ((one, two) for one in range(1, amount - 1) for two in range(1, amount - one)),
            key=lambda parts: (
                listed[first].pays(parts[0])
                + listed[second].pays(parts[1])
                + listed[third].pays(amount - parts[0] - parts[1])
            ),
        )
        found.append(_placed(len(listed), {first: one, second: two, third: amount - one - two}))
    return found


def _placed(pools: int, parts: dict[int, int]) -> Division:
    return tuple(parts.get(at, 0) for at in range(pools))


def _paid(listed: Sequence[Offers], division: Division) -> int:
    return sum(offers.pays(part) for offers, part in zip(listed, division, strict=True))


def _legs(division: Division) -> int:
    return sum(part > 0 for part in division)

"""The subscription strategy: the node says by itself when an attempt is confirmed."""

from __future__ import annotations

from collections.abc import Callable

from engine_app.chain.answers import SignatureStatus
from engine_app.chain.landing.attempts import SUBSCRIPTION, Observation, Tracked
from engine_app.chain.stream import SignatureNotice, Stream


async def subscribe(stream: Stream, tracked: Tracked, tell: Callable[[Observation], None]) -> None:
    """Have the attempt's confirmation told to `tell`, once; reconnects keep the subscription."""

    def noticed(notice: SignatureNotice) -> None:
        tracked.watch = None
        seen = tracked.take(SignatureStatus(notice.slot, notice.error, "confirmed"), SUBSCRIPTION)
        if seen is not None:
            tell(seen)

    tracked.watch = await stream.watch_signature(tracked.attempt.signature, noticed)


def unsubscribe(stream: Stream, tracked: Tracked) -> None:
    """Stop waiting for the attempt."""
    if tracked.watch is not None:
        stream.drop(tracked.watch)
        tracked.watch = None

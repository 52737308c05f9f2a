"""All strategies together, for every attempt of one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from engine_app.chain.answers import SignatureStatus
from engine_app.chain.background import keep_running, stop
from engine_app.chain.blockhash import Blockhashes
from engine_app.chain.call_counts import counted_apart
from engine_app.chain.landing.attempts import LiveAttempt, Observation, Seen, Tracked, Withdrawn
from engine_app.chain.landing.expiry import Expiry, Found, look_for_expiry
from engine_app.chain.landing.sending import Sending
from engine_app.chain.landing.status_poll import StatusPoll
from engine_app.chain.landing.subscription import subscribe, unsubscribe
from engine_app.chain.rpc import Rpc
from engine_app.chain.stream import Stream


class Landing:
    """Sends committed attempts, keeps sending them, and tells what is seen of them.

    No task or thread waits for a single attempt: one loop re-sends, one polls, the socket's reader takes notices.
    """

    def __init__(self, rpc: Rpc, stream: Stream, blockhashes: Blockhashes) -> None:
        self._rpc = rpc
        self._stream = stream
        self._blockhashes = blockhashes
        self._in_flight: dict[UUID, Tracked] = {}
        self._untold: list[Seen] = []
        self._news = asyncio.Event()
        self._sending = Sending(rpc, blockhashes)
        self._polling = StatusPoll(
            rpc, stream, blockhashes, self._in_flight, tell=self._tell, withdrawn=self._start_over
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to re-send and to poll."""
        with counted_apart():
            self._tasks = [
                keep_running(self._sending.run, "landing-sending"),
                keep_running(self._polling.run, "landing-polling"),
            ]

    async def close(self) -> None:
        """Stop. What was in flight may still land; another process follows it."""
        await stop(*self._tasks)

    async def submit(self, attempt: LiveAttempt) -> None:
        """Send an attempt for the first time; its row must be committed.

        The subscription goes out before the bytes. Returns when a node has taken them or none would; nothing is
        raised for that, for the attempt is live either way and is sent again until it is seen or forgotten.
        """
        now = asyncio.get_running_loop().time()
        tracked = Tracked(attempt, first_sent=now, poll_due=self._polling.first_poll(now), look_back=False)
        self._in_flight[attempt.attempt_id] = tracked
        await subscribe(self._stream, tracked, self._tell)
        self._sending.schedule(tracked, self._sending.first_resend(now))
        await self._sending.first(attempt)

    async def follow(self, attempt: LiveAttempt) -> None:
        """Take up an attempt that another process, or this one before a restart, has committed and perhaps sent.

        It is sent again and asked for at once. One that is followed already has its last observation told again.
        """
        known = self._in_flight.get(attempt.attempt_id)
        if known is not None:
            if known.seen is not None:
                self._tell(known.seen)
            return
        now = asyncio.get_running_loop().time()
        tracked = Tracked(attempt, first_sent=now, poll_due=now, look_back=True)
        self._in_flight[attempt.attempt_id] = tracked
        await subscribe(self._stream, tracked, self._tell)
        self._sending.schedule(tracked, now)

    def forget(self, attempt_id: UUID) -> None:
        """Leave an attempt alone: it has its verdict, or another process follows it."""
        tracked = self._in_flight.pop(attempt_id, None)
        if tracked is not None:
            tracked.forgotten = True
            unsubscribe(self._stream, tracked)

    def following(self) -> frozenset[UUID]:
        """The attempts in flight here."""
        return frozenset(self._in_flight)

    async def observations(self) -> AsyncIterator[Sequence[Seen]]:
        """What was seen since the last batch, in order; waits for the next. For one consumer.

        Each observation is told once; a consumer that could not keep one asks again with `follow`.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            batch, self._untold = self._untold, []
            yield batch

    def blocks_left(self, attempt: LiveAttempt) -> int | None:
        """Blocks in which the attempt may still land; an estimate, for waiting and for people. None before the
        block height was first read."""
        height = self._blockhashes.block_height
        return None if height is None else max(0, attempt.last_valid_block_height - height)

    async def expiry_evidence(self, attempt: LiveAttempt) -> Expiry:
        """Proof that the attempt can never land, or what was found instead; None where it may still land or
        nobody could tell. Reads exactly, and raises nothing of RPC."""
        return (await self.expiry_evidence_of([attempt]))[attempt.attempt_id]

    async def expiry_evidence_of(self, attempts: Sequence[LiveAttempt]) -> dict[UUID, Expiry]:
        """`expiry_evidence` of many attempts in the same few calls to each endpoint, by attempt id. What is found
        is also told as an observation."""
        findings = await look_for_expiry(self._rpc.nodes(), attempts)
        for attempt_id, finding in findings.items():
            tracked = self._in_flight.get(attempt_id)
            if tracked is not None and isinstance(finding, Found):
                self._found(tracked, finding.observation)
        return findings

    def _found(self, tracked: Tracked, seen: Observation) -> None:
        tracked.look_back = True
        news = tracked.take(SignatureStatus(seen.slot, seen.error, seen.commitment), seen.source)
        if news is not None:
            self._tell(news)

    def _tell(self, seen: Seen) -> None:
        self._untold.append(seen)
        self._news.set()

    def _start_over(self, tracked: Tracked, withdrawn: Withdrawn) -> None:
        """A fork has taken the attempt back: the same bytes again, as if it had just been taken up."""
        now = asyncio.get_running_loop().time()
        tracked.seen = None
        tracked.missing_since = None
        tracked.first_sent = now
        tracked.poll_due = now
        tracked.look_back = True
        self._sending.schedule(tracked, now)
        self._tell(withdrawn)

"""Every fault as a short episode, each kind under its own name."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from uuid import UUID

import psycopg
from redis import Redis

from engine_app import queue
from engine_app.localnet.seed.tokens import BONK, SOL, USDC, Token
from tests.chaos.engine_site import CHAIN, POSTGRES, VALKEY, WEB, WORKERS, Site
from tests.chaos.pools import SOL_BONK_DRAIN, SOL_USDC_MOVES, pools

METHODS = ("getMultipleAccounts", "simulateTransaction", "sendTransaction", "getTransaction")
FIRST_HIT_SECONDS = 15.0
HOLD_SECONDS = (0.2, 0.8)
FROZEN_SECONDS = 6.0
"""More than a lease."""

DEEPEST_FORK = 8
LATE_BLOCKS = 12

Kinds = dict[str, Callable[[], int]]
"""Episodes by name; each gives its hits."""


class Weather:
    """Runs episodes of faults: the chain's one after the other, and at the same time those of processes.

    Attributes:
        hits: by kind. Of the chain's own faults what the chain counted, of forks the transactions taken back, of pools
            the transactions that landed with an error, of processes the orders in flight.
    """

    def __init__(self, site: Site, seed: int, doomed: Sequence[str]) -> None:
        """
        Args:
            site: what it breaks.
            seed: draws order and length of everything.
            doomed: addresses whose transactions all land with an error.
        """
        self.hits: Counter[str] = Counter()
        self._site = site
        self._doomed = doomed
        self._chance = Random(seed)  # noqa: S311 - repeatable on purpose
        self._other_chance = Random(seed + 1)  # noqa: S311 - repeatable on purpose
        self._chain_is_up = threading.Lock()
        self._failures: list[BaseException] = []
        self.of_chain = self._chain_kinds()
        self.of_processes = self._process_kinds()

    def _chain_kinds(self) -> Kinds:
        slots = self._chance.randint
        return {
            "send dropped": lambda: self._fault("dropped_send", probability=0.6),
            "response lost": lambda: self._fault("lost_response", probability=0.6),
            "send late": lambda: self._fault("late_send", probability=0.5, blocks=slots(5, 60)),
            "send in the last block": lambda: self._fault("late_send", probability=0.2),
            "blockhash refused": lambda: self._fault("refused_blockhash", probability=0.6),
            "simulation failed": lambda: self._fault("failed_simulation", probability=0.3),
            "HTTP 429": lambda: self._refused(429, retry_after=1),
            "HTTP 503": lambda: self._refused(503),
            "latency": lambda: self._fault("latency", probability=0.5, milliseconds=250),
            "endpoint lags": lambda: self._fault("stale", endpoint=self._endpoint(), slots=slots(5, 60)),
            "websocket silent": lambda: self._fault("silent"),
            "status hidden": lambda: self._fault("hidden_status", probability=0.7),
            "history pruned": self._pruned,
            "slots stalled": lambda: self._fault("stalled_slots"),
            "endpoint down": lambda: self._fault("down", endpoint=self._endpoint()),
            "all endpoints down": lambda: self._fault("down"),
            "transaction failed": lambda: self._fault("failed_transaction", probability=0.3),
            "fork, landing again": lambda: self._fork(requeue=True),
            "fork, forgotten": lambda: self._fork(requeue=False),
            "pool moved": self._pool_moved,
            "pool drained": self._pool_drained,
            "pool closed": self._pool_closed,
        }

    def _process_kinds(self) -> Kinds:
        return {
            "Postgres restarted": lambda: self._restarted(POSTGRES, kill=False),
            "Postgres killed": lambda: self._restarted(POSTGRES, kill=True),
            "Valkey killed": lambda: self._restarted(VALKEY, kill=True),
            "Valkey absent": lambda: self._restarted(VALKEY, kill=False, away=2.0),
            "Valkey flushed": self._flushed,
            "chain killed": self._chain_killed,
            "web killed": lambda: self._restarted(WEB, kill=True),
            "worker stopped": lambda: self._restarted(self._other_chance.choice(WORKERS), kill=False),
            "worker killed": lambda: self._restarted(self._other_chance.choice(WORKERS), kill=True),
            "worker frozen": self._frozen,
            "both workers given orders": self._messages_doubled,
        }

    def blow(self, *, enough: Callable[[], bool]) -> None:
        """Run every kind at least once, in random order, and go on until there was enough."""
        self.doom()
        lanes = [
            threading.Thread(target=self._lane, args=(kinds, chance, enough), daemon=True)
            for kinds, chance in ((self.of_chain, self._chance), (self.of_processes, self._other_chance))
        ]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        if self._failures:
            raise self._failures[0]

    def doom(self) -> None:
        """Put the doomed addresses' fault in force; a restarted chain has forgotten it."""
        for address in self._doomed:
            self._site.admin.add("failed_transaction", signer=address)

    def missed(self) -> list[str]:
        """Kinds that hit nothing."""
        return [name for name in (*self.of_chain, *self.of_processes) if not self.hits[name]]

    def _lane(self, kinds: Kinds, chance: Random, enough: Callable[[], bool]) -> None:
        lock = self._chain_is_up if kinds is self.of_chain else threading.Lock()
        try:
            while not self._failures:
                for name in chance.sample(list(kinds), len(kinds)):
                    with lock:
                        self.hits[name] += kinds[name]()
                    if self._failures or (all(self.hits[kind] for kind in kinds) and enough()):
                        return
        except BaseException as error:  # noqa: BLE001 - raised by `blow`
            self._failures.append(error)

    def _hold(self, chance: Random) -> None:
        time.sleep(chance.uniform(*HOLD_SECONDS))

    def _endpoint(self) -> int:
        return self._chance.choice((self._site.chain.port, self._site.second_port))

    def _fault(self, kind: str, **spec: object) -> int:
        """A fault of the chain's own, kept for a while after its first hit."""
        admin = self._site.admin
        fault = admin.add(kind, **spec)
        deadline = time.monotonic() + FIRST_HIT_SECONDS
        while not admin.hits_of(fault) and time.monotonic() < deadline:
            time.sleep(0.02)
        self._hold(self._chance)
        return admin.remove(fault)

    def _refused(self, status: int, retry_after: int | None = None) -> int:
        spec = {"status": status, "retry_after": retry_after, "methods": [self._chance.choice(METHODS)]}
        return self._fault("http_status", probability=0.7, **spec)

    def _pruned(self) -> int:
        """Short memories matter where something has to be proven dead."""
        dropped = self._site.admin.add("dropped_send", probability=0.8)
        kept = self._site.admin.add("pruned_history", kept_slots=40)
        try:
            time.sleep(1.0)
        finally:
            self._site.admin.remove(dropped)
        deadline = time.monotonic() + FIRST_HIT_SECONDS
        while not self._site.admin.hits_of(kept) and time.monotonic() < deadline:
            time.sleep(0.05)
        return self._site.admin.remove(kept)

    def _fork(self, *, requeue: bool) -> int:
        self._wait_for("SELECT count(*) FROM orders WHERE status = 'submitted'")
        return len(self._site.admin.fork(self._chance.randint(2, DEEPEST_FORK), requeue=requeue))

    def _pool_moved(self) -> int:
        moves = [(pool, SOL_USDC_MOVES[dex]) for dex, pool in pools(SOL, USDC).items()]

        def move() -> None:
            for pool, (lamports, _) in moves:
                self._site.admin.swap(pool, str(SOL.mint), lamports)

        def back() -> None:
            for pool, (_, units) in moves:
                self._site.admin.swap(pool, str(USDC.mint), units)

        return self._pool((SOL, USDC), move, back)

    def _pool_drained(self) -> int:
        """Of BONK to SOL, and so of two hops from BONK on."""
        pool, (units, lamports) = pools(SOL, BONK)["meteora"], SOL_BONK_DRAIN
        return self._pool(
            (BONK, SOL),
            lambda: self._site.admin.swap(pool, str(BONK.mint), units),
            lambda: self._site.admin.swap(pool, str(SOL.mint), lamports),
        )

    def _pool_closed(self) -> int:
        pool = pools(SOL, BONK)["raydium"]
        return self._pool(
            (SOL, BONK), lambda: self._site.admin.close_pool(pool), lambda: self._site.admin.open_pool(pool)
        )

    def _pool(self, pair: tuple[Token, Token], change: Callable[[], None], restore: Callable[[], None]) -> int:
        """A change between the sending and the landing of an order of the pair."""
        token_in, token_out = (str(token.mint) for token in pair)
        late = self._site.admin.add("late_send", blocks=LATE_BLOCKS)
        failed = "SELECT count(*) FROM order_events WHERE name = 'landed_with_error'"
        before = self._count(failed)
        try:
            self._wait_for(
                "SELECT count(*) FROM orders WHERE status = 'submitted' AND token_in = %s AND token_out = %s",
                token_in,
                token_out,
            )
            change()
            time.sleep(2 * LATE_BLOCKS * self._site.chain.slot_ms / 1000)
        finally:
            restore()
            self._site.admin.remove(late)
        return self._count(failed) - before

    def _restarted(self, name: str, *, kill: bool, away: float = 0.0) -> int:
        in_flight = self._in_flight()
        (self._site.kill if kill else self._site.stop)(name)
        time.sleep(away or self._other_chance.uniform(0, 1))
        self._site.start(name)
        return in_flight

    def _chain_killed(self) -> int:
        with self._chain_is_up:
            in_flight = self._restarted(CHAIN, kill=True)
            self.doom()
            return in_flight

    def _flushed(self) -> int:
        in_flight = self._in_flight()
        with Redis.from_url(self._site.redis_url) as redis:
            redis.flushall()
        self._hold(self._other_chance)
        return in_flight

    def _frozen(self) -> int:
        name = self._other_chance.choice(WORKERS)
        in_flight = self._in_flight()
        self._site.freeze(name)
        time.sleep(FROZEN_SECONDS)
        self._site.thaw(name)
        return in_flight

    def _messages_doubled(self) -> int:
        self._in_flight()
        broker = queue.broker(self._site.redis_url)
        open_orders = self._site.rows("SELECT id::text FROM orders WHERE status NOT IN ('confirmed', 'failed')")
        for (order_id,) in open_orders * 4:
            broker.enqueue(queue.order_message(UUID(str(order_id))))
        return len(open_orders)

    def _in_flight(self) -> int:
        """How many orders are on their way; waits for one."""
        return self._wait_for("SELECT count(*) FROM orders WHERE status NOT IN ('confirmed', 'failed')")

    def _wait_for(self, query: str, *values: object) -> int:
        """The first count that is not zero, or zero where that takes too long."""
        deadline = time.monotonic() + FIRST_HIT_SECONDS
        while not (count := self._count(query, *values)) and time.monotonic() < deadline:
            time.sleep(0.02)
        return count

    def _count(self, query: str, *values: object) -> int:
        """A count of the database, as soon as it answers."""
        deadline = time.monotonic() + FIRST_HIT_SECONDS
        while True:
            try:
                return int(str(self._site.rows(query, *values)[0][0]))
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

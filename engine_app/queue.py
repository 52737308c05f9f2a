"""The Dramatiq broker, and sending by actor name.

Redis keys (namespace `dramatiq`):
    dramatiq:order-queue        list    ids of waiting messages (Dramatiq's)
    dramatiq:order-queue.msgs   hash    id → message (Dramatiq's)
    dramatiq:order-queue.wake   list    one element a message, popped by idle consumers; at most `WAKE_LIMIT`

A message carries an order's id, and the request and the trace it comes from. Losing one loses no order: Postgres has
it, and the workers' sweeper takes up whatever is due.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import AsyncIO, Middleware, ShutdownNotifications

from engine_app.telemetry import metrics, tracing
from engine_app.telemetry.requests import current_request

ORDER_QUEUE = "order-queue"
EXECUTE = "order.execute"
WAKE_LIMIT = 64
IDLE_SECONDS = 0.5
"""How long an idle consumer waits for a wake-up; also the most that stopping has to wait for it."""
FULL_SECONDS = 0.005


class WakingConsumer(_RedisConsumer):
    """Waits in BLPOP instead of polling: stock Dramatiq sleeps up to `worker_timeout` between looks.

    Tied to dramatiq 2.2.1, whose consumer it extends.
    """

    def __next__(self) -> Any:
        message = super().__next__()
        if message is not None:
            return message
        if self.outstanding_message_count >= self.prefetch:
            time.sleep(FULL_SECONDS)
            return None
        try:
            woken = self.broker.client.blpop([self.broker.wake_key(self.queue_name)], timeout=IDLE_SECONDS)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionClosed(error) from None
        metrics.QUEUE_WAKEUPS.labels("timeout" if woken is None else "message").inc()
        return None


class WakingBroker(RedisBroker):
    """A Redis broker whose idle consumers start a message within milliseconds."""

    @property
    def consumer_class(self) -> type[WakingConsumer]:
        return WakingConsumer

    def wake_key(self, queue_name: str) -> str:
        """The list that idle consumers of a queue wait on."""
        return f"{self.namespace}:{queue_name}.wake"

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> WakingConsumer:
        """A consumer that never sleeps by itself: the wait is the BLPOP's."""
        return self.consumer_class(self, queue_name, prefetch, 0)

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Enqueue, then wake one idle consumer."""
        enqueued = super().enqueue(message, delay=delay)
        key = self.wake_key(enqueued.queue_name)
        with self.client.pipeline(transaction=False) as pipe:
            pipe.rpush(key, "1")
            pipe.ltrim(key, -WAKE_LIMIT, -1)
            pipe.execute()
        return enqueued


def broker(redis_url: str, *, middleware: Sequence[Middleware] = ()) -> WakingBroker:
    """The broker of this process, set as Dramatiq's global one.

    Dramatiq's own retries, age limits and time limits are left out: counts and clocks live in Postgres.
    """
    client = redis.Redis.from_url(redis_url, socket_connect_timeout=1.0, socket_timeout=2.0, socket_keepalive=True)
    made = WakingBroker(
        client=client,
        middleware=[AsyncIO(), ShutdownNotifications(notify_shutdown=False), *middleware],
        heartbeat_timeout=5_000,
        maintenance_chance=10_000,
    )
    made.declare_queue(ORDER_QUEUE)
    dramatiq.set_broker(made)
    return made


def send_order(through: WakingBroker, order_id: UUID) -> None:
    """Ask any worker to execute an order. Blocking; raises redis errors where Redis is away."""
    comes_from = {"request": current_request(), "trace": tracing.carried()}
    kwargs = {name: value for name, value in comes_from.items() if value}
    through.enqueue(
        dramatiq.Message(queue_name=ORDER_QUEUE, actor_name=EXECUTE, args=(str(order_id),), kwargs=kwargs, options={})
    )

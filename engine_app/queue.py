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
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import AsyncIO, Middleware, ShutdownNotifications

from engine_app.telemetry import metrics, tracing
from engine_app.telemetry.requests import current_request

NAMESPACE = "dramatiq"
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
            woken = self.broker.client.blpop([_wake_key(self.queue_name)], timeout=IDLE_SECONDS)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionClosed(error) from None
        metrics.QUEUE_WAKEUPS.labels("timeout" if woken is None else "message").inc()
        return None


class WakingBroker(RedisBroker):
    """A Redis broker whose idle consumers start a message within milliseconds."""

    @property
    def consumer_class(self) -> type[WakingConsumer]:
        return WakingConsumer

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> WakingConsumer:
        """A consumer that never sleeps by itself: the wait is the BLPOP's."""
        return self.consumer_class(self, queue_name, prefetch, 0)

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Enqueue and wake one idle consumer, in one round trip.

        Raises:
            ValueError: a delay is asked for; clocks live in Postgres.
        """
        if delay is not None:
            raise ValueError("messages of this broker are not delayed")
        self.emit_before("enqueue", message, delay)
        with self.client.pipeline(transaction=False) as pipe:
            for command in enqueuing(message):
                pipe.execute_command(*command)
            pipe.execute()
        self.emit_after("enqueue", message, delay)
        return message


def broker(redis_url: str, *, middleware: Sequence[Middleware] = ()) -> WakingBroker:
    """The broker of this process, set as Dramatiq's global one.

    Dramatiq's own retries, age limits and time limits are left out: counts and clocks live in Postgres.
    """
    client = redis.Redis.from_url(redis_url, socket_connect_timeout=1.0, socket_timeout=2.0, socket_keepalive=True)
    made = WakingBroker(
        client=client,
        namespace=NAMESPACE,
        middleware=[AsyncIO(), ShutdownNotifications(notify_shutdown=False), *middleware],
        heartbeat_timeout=5_000,
        maintenance_chance=10_000,
    )
    made.declare_queue(ORDER_QUEUE)
    dramatiq.set_broker(made)
    return made


def order_message(order_id: UUID) -> dramatiq.Message[Any]:
    """What asks any worker to execute an order, with the request and the trace that this code runs in."""
    comes_from = {"request": current_request(), "trace": tracing.carried()}
    kwargs = {name: value for name, value in comes_from.items() if value}
    return dramatiq.Message(
        queue_name=ORDER_QUEUE, actor_name=EXECUTE, args=(str(order_id),), kwargs=kwargs, options={}
    )


def enqueuing(message: dramatiq.Message[Any]) -> Iterator[tuple[str | bytes | int, ...]]:
    """The Redis commands that enqueue a message and wake one idle consumer.

    The first two are what Dramatiq's own script does for `enqueue`: as plain commands they go along in any pipeline,
    and whoever only sends is not taken for a consumer.
    """
    key, wake = f"{NAMESPACE}:{message.queue_name}", _wake_key(message.queue_name)
    redis_id = str(uuid4())
    yield "HSET", f"{key}.msgs", redis_id, message.copy(options={"redis_message_id": redis_id}).encode()
    yield "RPUSH", key, redis_id
    yield "RPUSH", wake, "1"
    yield "LTRIM", wake, -WAKE_LIMIT, -1


def _wake_key(queue_name: str) -> str:
    return f"{NAMESPACE}:{queue_name}.wake"

"""From the sending of an order's message to the start of its work in an idle worker: `python -m bench.pickup`.

The engine's own broker and consumer over a Valkey of their own, with an actor that does nothing but tell the time.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import dramatiq
import redis

from bench.figures import summary
from engine_app import queue
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.ports import free_port
from engine_app.embedded.service import Service
from engine_app.embedded.valkey import Valkey
from engine_app.telemetry.ready import tell_ready

TOOK = "bench:took"
SEED = 3


def work(redis_url: str) -> None:
    """Be the worker, until killed."""
    client = redis.Redis.from_url(redis_url)
    made = queue.broker(redis_url)

    async def start(sent_at: str) -> None:
        client.rpush(TOOK, (time.time() - float(sent_at)) * 1000)

    dramatiq.actor(actor_name=queue.EXECUTE, queue_name=queue.ORDER_QUEUE)(start)
    dramatiq.Worker(made, worker_threads=8).start()
    tell_ready()
    threading.Event().wait()


def measure(messages: int) -> dict[str, Any]:
    """Send messages now and then; milliseconds."""
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="bench-") as data:
        supervisor = BackgroundSupervisor(Path(data))
        try:
            valkey = Valkey(Path(data, "valkey"), free_port(), "bench")
            supervisor.start(valkey.service())
            argv = (sys.executable, "-m", "bench.pickup", valkey.url)
            cwd = Path(__file__).resolve().parents[1]
            supervisor.start(Service(name="worker", argv=argv, env={}, cwd=cwd, signals_ready=True))
            through = queue.broker(valkey.url)
            for _ in range(messages):
                time.sleep(chance.uniform(0.05, 0.35))
                through.enqueue(
                    dramatiq.Message(
                        queue_name=queue.ORDER_QUEUE,
                        actor_name=queue.EXECUTE,
                        args=(str(time.time()),),
                        kwargs={},
                        options={},
                    )
                )
            time.sleep(1.0)
            took = [float(ms) for ms in redis.Redis.from_url(valkey.url).lrange(TOOK, 0, -1)]  # type: ignore[union-attr]
        finally:
            supervisor.close()
    if len(took) != messages:
        raise RuntimeError(f"{len(took)} of {messages} messages were taken up")
    return summary(took)


def main() -> None:
    """Measure and print, or be the worker where an address is given."""
    if len(sys.argv) > 1:
        work(sys.argv[1])
    print(json.dumps(measure(200), indent=2))


if __name__ == "__main__":
    main()

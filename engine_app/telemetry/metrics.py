"""Every metric of the engine, and nothing that is not told by one of its processes.

Web processes and workers that share a machine share files too (`metrics_files`), so that one scrape tells of all of
them. What a process counts adds up; what it merely sees is told by whichever saw it last, or by the worst of them.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

STEP_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 10, 30, 60, 120, 300)
CALL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

ORDERS = Counter(
    "engine_orders", "Orders that came to a state: placed, confirmed, finalized, failed", ["kind", "state", "reason"]
)
STEP_SECONDS = Histogram(
    "engine_order_step_seconds", "Time an order took to its next state", ["state"], buckets=STEP_BUCKETS
)
CONFIRMED_SECONDS = Histogram(
    "engine_order_confirmed_seconds", "Time from placed to confirmed", ["kind"], buckets=STEP_BUCKETS
)
ATTEMPTS = Counter("engine_attempts", "Tries of orders by their verdict", ["verdict"])

RPC_CALLS = Counter("engine_rpc_calls", "Calls to Solana nodes", ["method", "endpoint", "outcome"])
RPC_SECONDS = Histogram("engine_rpc_seconds", "Time a node took to answer", ["endpoint"], buckets=CALL_BUCKETS)
ENDPOINT_AVAILABLE = Gauge(
    "engine_rpc_endpoint_available", "Whether calls may go to the endpoint", ["endpoint"], multiprocess_mode="livemin"
)
CHAIN_SLOT = Gauge("engine_chain_slot", "Newest slot shown", ["endpoint"], multiprocess_mode="livemax")
SLOTS_BEHIND = Gauge(
    "engine_rpc_slots_behind", "Slots behind the foremost endpoint", ["endpoint"], multiprocess_mode="livemax"
)
POOLS_SEARCHED_AT = Gauge(
    "engine_pools_searched_timestamp_seconds",
    "When the last search for pools that was due had been made",
    multiprocess_mode="livemin",
)

UNDER_WAY = Gauge(
    "engine_orders_under_way", "Orders that are not final", ["status", "waits_for"], multiprocess_mode="mostrecent"
)
OVERDUE_SECONDS = Gauge(
    "engine_order_overdue_seconds", "How long the oldest due order has waited", multiprocess_mode="mostrecent"
)
ADDRESS_STOCK = Gauge("engine_address_stock", "Fresh wallet addresses kept ready", multiprocess_mode="mostrecent")
INTAKE_PAUSED = Gauge("engine_intake_paused", "Whether no new orders are taken", multiprocess_mode="mostrecent")
READY = Gauge("engine_ready", "Whether database and chain answer", ["role"], multiprocess_mode="livemin")

OPEN_SOCKETS = Gauge("engine_open_sockets", "Open sockets of pages and bots", ["of"], multiprocess_mode="livesum")
QUEUE_WAKEUPS = Counter("engine_queue_wakeups", "How idle consumers of the queue woke", ["by"])

HTTP_REQUESTS = Counter("engine_http_requests", "Answered requests", ["method", "route", "status"])
HTTP_SECONDS = Histogram("engine_http_seconds", "Time to answer", ["route"], buckets=CALL_BUCKETS)

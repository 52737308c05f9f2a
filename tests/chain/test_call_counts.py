from __future__ import annotations

import asyncio

from engine_app.chain.call_counts import CallTotals, Outcome, count_call, count_calls, counted_apart


async def test_calls_of_a_task_and_its_children_are_counted() -> None:
    async def child() -> None:
        count_call("getSlot")

    with count_calls() as calls:
        count_call("sendTransaction")
        await asyncio.gather(child(), child())
        with counted_apart():
            count_call("getTransaction")
    count_call("getSlot")
    assert calls == {"sendTransaction": 1, "getSlot": 2}


async def test_two_orders_at_once_count_apart() -> None:
    async def order(method: str, times: int) -> dict[str, int]:
        with count_calls() as calls:
            for _ in range(times):
                count_call(method)
                await asyncio.sleep(0)
        return dict(calls)

    both = await asyncio.gather(order("a", 2), order("b", 3))
    assert tuple(both) == ({"a": 2}, {"b": 3})


def test_totals_are_kept_by_method_endpoint_and_outcome() -> None:
    totals = CallTotals()
    totals.add("getSlot", "one", Outcome.OK)
    totals.add("getSlot", "one", Outcome.OK)
    totals.add("getSlot", "two", Outcome.LIMITED)
    assert totals.snapshot() == {("getSlot", "one", Outcome.OK): 2, ("getSlot", "two", Outcome.LIMITED): 1}
    assert totals.of("getSlot") == 3
    assert totals.of("getHealth") == 0

"""An order's JSON: written out by hand, and held against the model that describes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_app import exact_json
from engine_app.chain.clusters import CLUSTERS
from engine_app.markets.tokens import TokenList, TokenWarning
from engine_app.orders.models import STATUSES, Order
from engine_app.orders.updates import update_of
from engine_app.orders.view import DEXES, SHOWN, DexQuotes, HistoryPage, OrderView, order_document, order_view, shown
from tests.orders.conftest import SOL, USDC

TOKENS = TokenList(CLUSTERS["localnet"])
AT = datetime(2026, 1, 31, 12, 0, 0, 125_000, tzinfo=UTC)

units = st.integers(0, 2**64 - 1).map(Decimal)
fractions = st.integers(0, 499_999_999).map(lambda part: Decimal(part).scaleb(-9))
moments = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))]),
)
mints = st.sampled_from([SOL, USDC, "a mint that is not listed"])
texts = st.text(st.characters(exclude_categories=["Cs"]))
waits = st.fixed_dictionaries(
    {"reason": st.sampled_from(["landed", "retry", "operator"])},
    optional={
        "blocksLeft": st.none() | st.integers(0, 200),
        "aboutSeconds": st.none() | st.integers(0, 100),
        "notBefore": st.none() | moments.map(datetime.isoformat),
        "code": st.none() | st.just("OUTCOME_UNKNOWN"),
    },
)
rows = st.fixed_dictionaries(
    {
        "id": st.uuids(),
        "kind": st.sampled_from(["swap", "transfer"]),
        "token_in": mints,
        "token_out": mints,
        "decimals_in": st.integers(0, 18),
        "decimals_out": st.integers(0, 18),
        "destination": st.none() | st.just("somewhere"),
        "amount_in": st.integers(1, 2**64 - 1).map(Decimal),
        **dict.fromkeys(("quoted_out", "min_out", "min_amount_out", "spent_in", "amount_out"), st.none() | units),
        "status": st.sampled_from(STATUSES),
        "selected_dex": st.none() | st.sampled_from(["raydium", "meteora"]),
        "dexes": st.lists(st.sampled_from(["raydium", "meteora"]), max_size=3),
        **dict.fromkeys(("tx_hash", "error_code", "error_message"), st.none() | texts),
        "waiting_for": st.none() | waits,
        "slippage": fractions,
        "max_price_impact": fractions,
        "token_warnings": st.dictionaries(mints, st.lists(st.sampled_from([each.value for each in TokenWarning]))),
        "tries": st.integers(0, 3),
        "created_at": moments,
        "updated_at": moments,
        "expires_at": moments,
        "finalized_at": st.none() | moments,
        "seq": st.integers(0, 2**31 - 1),
    }
)


@given(rows)
def test_what_is_written_by_hand_is_the_model_to_the_byte(row: dict[str, Any]) -> None:
    assert set(row) == {*SHOWN, DEXES}
    document = order_document(row, TOKENS)
    model = OrderView.model_validate(document)
    assert exact_json.dumps(document) == exact_json.dumps(model)
    assert document == model.model_dump(by_alias=True)
    page = {"orders": [document], "nextCursor": None}
    assert exact_json.dumps(page) == exact_json.dumps(HistoryPage(orders=[model], next_cursor=None))


@settings(max_examples=30)
@given(rows)
def test_rows_objects_and_live_updates_read_the_same(row: dict[str, Any]) -> None:
    route = [{"dex": dex} for dex in row[DEXES]]
    decision = {"dexQuotes": {"raydium": "1.50", "meteora": None}, "route": route}
    order = Order(user_id=1, wallet_id=1, decision=decision, **{name: row[name] for name in SHOWN})
    assert shown(order) == row
    document = order_document(row, TOKENS)
    assert order_view(order, TOKENS) == OrderView.model_validate(document)
    document["dexQuotes"] = DexQuotes(raydium=Decimal("1.50"))
    assert update_of(order, TOKENS).text == exact_json.dumps(document).decode()


def test_an_order_in_json() -> None:
    order = Order(
        id=UUID(int=7), user_id=1, wallet_id=1, kind="swap", token_in=SOL, token_out=USDC, decimals_in=9,
        decimals_out=6, amount_in=Decimal(3_000_000_000), slippage=Decimal("0.010000000"),
        max_price_impact=Decimal("0.05"), status="failed", quoted_out=Decimal(200_000_000),
        min_out=Decimal(198_000_000), spent_in=Decimal(3_000_000_000), amount_out=Decimal(200_000_001),
        error_code="EXPIRED", waiting_for={"reason": "retry", "notBefore": "2026-01-31T13:00:00.125+00:00"},
        token_warnings={USDC: ["UNLISTED"]}, tries=1, seq=6, created_at=AT, updated_at=AT, expires_at=AT,
    )  # fmt: skip
    assert exact_json.dumps(order_document(shown(order), TOKENS)).decode() == (
        '{"orderId":"00000000-0000-0000-0000-000000000007","kind":"swap","tokenIn":"SOL","tokenOut":"USDC",'
        '"destination":null,"amountIn":3,"amountInUnits":"3000000000","quotedOut":200,"quotedOutUnits":"200000000",'
        '"minOut":198,"minOutUnits":"198000000","minAmountOut":null,"minAmountOutUnits":null,"amountOut":200.000001,'
        '"amountOutUnits":"200000001","status":"failed","selectedDex":null,"dexes":[],"txHash":null,'
        '"executionPrice":66.666667,"error":{"code":"EXPIRED","message":""},"waitingFor":{"reason":"retry",'
        '"blocksLeft":null,"aboutSeconds":null,"notBefore":"2026-01-31T13:00:00.125000Z","code":null},"slippage":0.01,'
        '"maxPriceImpact":0.05,"warnings":[{"token":"USDC","code":"UNLISTED","text":'
        f'"{TokenWarning.UNLISTED.text}"}}],"attempts":1,"createdAt":"2026-01-31T12:00:00.125000Z",'
        '"updatedAt":"2026-01-31T12:00:00.125000Z","expiresAt":"2026-01-31T12:00:00.125000Z","finalizedAt":null,'
        '"seq":6}'
    )


def test_a_row_that_cannot_be_shown_says_so() -> None:
    order = Order(
        id=UUID(int=7), user_id=1, wallet_id=1, token_in=SOL, token_out=USDC, decimals_in=9, decimals_out=6,
        amount_in=Decimal(1), slippage=Decimal(0), max_price_impact=Decimal("0.05"), created_at=AT, updated_at=AT,
        expires_at=AT,
    )  # fmt: skip
    order.token_warnings = {SOL: ["a code from the future"]}
    with pytest.raises(ValueError, match="a code from the future"):
        update_of(order, TOKENS)
    order.token_warnings, order.waiting_for = {}, {"blocksLeft": 3}
    with pytest.raises(ValueError, match="reason"):
        update_of(order, TOKENS)

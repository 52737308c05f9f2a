"""Dead means proven: what one and several endpoints must show, on a chain whose blockhashes die in three seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import orjson
import pytest
from solders.hash import Hash

from engine_app.chain.answers import EpochInfo
from engine_app.chain.landing import ExpiryEvidence, Found, HistoryMissing, LiveAttempt
from engine_app.chain.landing.expiry import BLOCKHASH_BLOCKS, is_too_late
from engine_app.chain.landing.history import REMEMBERED_SLOTS, stretches
from engine_app.embedded.processes import LocalChain
from tests.chain.conftest import SOL, Chain, opened, transfer_attempt, until
from tests.chain.troubled_node import TroubledNode, result_is, status_hidden


@pytest.fixture
async def first(fast_chain: LocalChain) -> AsyncIterator[TroubledNode]:
    async with TroubledNode(fast_chain.rpc_url) as proxy:
        yield proxy


@pytest.fixture
async def second(fast_chain: LocalChain) -> AsyncIterator[TroubledNode]:
    async with TroubledNode(fast_chain.rpc_url) as proxy:
        yield proxy


@pytest.fixture
async def one(fast_chain: LocalChain, first: TroubledNode) -> AsyncIterator[Chain]:
    async with opened([first.url], fast_chain.ws_url) as room:
        yield room


@pytest.fixture
async def two(fast_chain: LocalChain, first: TroubledNode, second: TroubledNode) -> AsyncIterator[Chain]:
    async with opened([first.url, second.url], fast_chain.ws_url) as room:
        yield room


async def attempt_of(room: Chain) -> LiveAttempt:
    wallet = await room.funded_wallet()
    return transfer_attempt(wallet, await room.blockhashes.latest(), SOL)


async def outlived(room: Chain, attempt: LiveAttempt) -> None:
    """Wait until the attempt's blockhash is finally too old."""

    async def too_old() -> bool:
        return await room.rpc.poll().block_height("finalized") > attempt.last_valid_block_height

    await until(too_old, "the blockhash to die")


async def test_a_live_attempt_has_no_evidence(one: Chain) -> None:
    attempt = await attempt_of(one)
    assert await one.landing.expiry_evidence(attempt) is None


async def test_an_attempt_that_was_never_sent_is_proven_dead(one: Chain, first: TroubledNode) -> None:
    attempt = await attempt_of(one)
    await outlived(one, attempt)
    evidence = await one.landing.expiry_evidence(attempt)
    assert isinstance(evidence, ExpiryEvidence)
    written = orjson.loads(orjson.dumps(evidence.as_json()))
    assert written["blockHeight"] > attempt.last_valid_block_height
    assert written["firstAvailableBlock"] <= attempt.blockhash_slot
    assert written["statusSlot"] >= written["slot"] > attempt.blockhash_slot
    assert written["endpoint"].startswith("http://127.0.0.1:")
    assert written["others"] == []
    assert first.asked["getBlocks"] == 0  # what a node certainly remembers is in none of them


@pytest.mark.parametrize(
    ("told_too_low", "slots", "blocks", "too_late"),
    [
        (0, 150, 150, False),
        (0, 151, 151, True),
        (0, 170, 150, False),
        (140, 150, 150, False),
        (140, 151, 151, True),
        (140, -32, 20, False),
        (0, -(2**62), 151, True),
    ],
)
async def test_no_height_that_was_told_too_low_makes_it_late_too_early(
    one: Chain, told_too_low: int, slots: int, blocks: int, too_late: bool
) -> None:
    attempt = await attempt_of(one)
    height = attempt.last_valid_block_height - BLOCKHASH_BLOCKS
    told = replace(attempt, last_valid_block_height=attempt.last_valid_block_height - told_too_low)
    assert is_too_late(told, EpochInfo(attempt.blockhash_slot + slots, height + blocks, epoch=0)) == too_late


async def test_a_slot_that_was_told_wrongly_leaves_nothing_to_prove_it_by(one: Chain) -> None:
    attempt = replace(await attempt_of(one), blockhash_slot=2**62)
    await outlived(one, attempt)
    assert isinstance(await one.landing.expiry_evidence(attempt), HistoryMissing)


async def test_an_attempt_that_landed_is_found_and_told(one: Chain) -> None:
    attempt = await attempt_of(one)
    await one.rpc.send(attempt.transaction)
    await outlived(one, attempt)
    finding = await one.landing.expiry_evidence(attempt)
    assert isinstance(finding, Found)
    assert (finding.observation.commitment, finding.observation.error) == ("finalized", None)


async def test_many_are_asked_for_in_the_same_calls(one: Chain, first: TroubledNode) -> None:
    attempts = [await attempt_of(one) for _ in range(2)]
    await one.rpc.send(attempts[1].transaction)
    attempts.append(await attempt_of(one))
    await outlived(one, attempts[2])
    asked = first.asked["getSignatureStatuses"]
    findings = await one.landing.expiry_evidence_of(attempts)
    assert first.asked["getSignatureStatuses"] == asked + 1
    assert [type(findings[attempt.attempt_id]) for attempt in attempts] == [ExpiryEvidence, Found, ExpiryEvidence]


async def test_a_node_without_the_history_proves_nothing(one: Chain, first: TroubledNode) -> None:
    attempt = await attempt_of(one)
    await outlived(one, attempt)
    first.changed["getFirstAvailableBlock"] = result_is(attempt.blockhash_slot + 1)
    finding = await one.landing.expiry_evidence(attempt)
    assert isinstance(finding, HistoryMissing)
    assert finding.shown[0].first_available_block == attempt.blockhash_slot + 1
    first.changed["getFirstAvailableBlock"] = result_is(attempt.blockhash_slot)
    assert isinstance(await one.landing.expiry_evidence(attempt), ExpiryEvidence)


async def test_late_a_node_must_have_every_block_in_which_it_could_have_landed(one: Chain, first: TroubledNode) -> None:
    attempt = await attempt_of(one)
    late = replace(await attempt_of(one), blockhash_slot=attempt.blockhash_slot)

    async def forgotten() -> bool:
        return await one.rpc.slot("finalized") > attempt.blockhash_slot + REMEMBERED_SLOTS

    await until(forgotten, "the node to have to look into its blocks")
    await outlived(one, late)
    findings = await one.landing.expiry_evidence_of([attempt, late])
    assert [type(finding) for finding in findings.values()] == [ExpiryEvidence] * 2
    assert (first.asked["getBlocks"], first.asked["getBlock"]) == (1, 2)

    for method, change in (
        ("getBlocks", lambda answer: {**answer, "result": answer["result"][:40] + answer["result"][41:]}),
        ("getBlocks", lambda answer: {**answer, "result": answer["result"][:40]}),
        ("getBlocks", lambda answer: {**answer, "result": answer["result"][3:]}),
        ("getBlocks", result_is([])),
        ("getBlocks", lambda answer: {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no method"}}),
        ("getBlock", result_is(None)),
    ):
        first.changed = {method: change}
        finding = await one.landing.expiry_evidence(attempt)
        assert isinstance(finding, HistoryMissing)
        assert finding.shown[0].first_available_block > attempt.blockhash_slot
    first.changed = {}
    assert isinstance(await one.landing.expiry_evidence(attempt), ExpiryEvidence)


async def test_blocks_that_one_attempt_lacks_make_no_other_unprovable(
    one: Chain, first: TroubledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine_app.chain.landing.history.SKIPPED_SLOTS", 180)
    monkeypatch.setattr("engine_app.chain.landing.expiry.SKIPPED_SLOTS", 180)
    monkeypatch.setattr("engine_app.chain.landing.expiry.REMEMBERED_SLOTS", 0)
    early = await attempt_of(one)
    late = replace(early, attempt_id=uuid4(), blockhash_slot=early.blockhash_slot + 300)
    late = replace(late, last_valid_block_height=early.last_valid_block_height + 300)
    await outlived(one, late)

    async def found_without(slots: range) -> list[type]:
        def lacking(answer: dict[str, Any]) -> dict[str, Any]:
            return {**answer, "result": [slot for slot in answer["result"] if slot not in slots]}

        first.changed["getBlocks"] = lacking
        found = await one.landing.expiry_evidence_of([early, late])
        return [type(found[attempt.attempt_id]) for attempt in (early, late)]

    between = range(early.blockhash_slot + 200, early.blockhash_slot + 250)
    assert await found_without(between) == [ExpiryEvidence, ExpiryEvidence]
    of_one = range(early.blockhash_slot + 10, early.blockhash_slot + 20)
    assert await found_without(of_one) == [HistoryMissing, ExpiryEvidence]


def test_what_was_signed_long_apart_is_looked_for_apart() -> None:
    assert stretches([], 9_999) == []
    assert stretches([700, 500], 9_999) == [(500, 1_700)]
    assert stretches([9_000, 500, 4_500, 4_501], 9_999) == [(500, 5_500), (4_501, 5_501), (9_000, 9_999)]


async def test_a_status_older_than_the_height_proves_nothing(one: Chain, first: TroubledNode) -> None:
    attempt = await attempt_of(one)
    await outlived(one, attempt)

    def stale(answer: dict[str, dict[str, dict[str, int]]]) -> dict[str, dict[str, dict[str, int]]]:
        answer["result"]["context"]["slot"] = attempt.blockhash_slot
        return answer

    first.changed["getSignatureStatuses"] = stale
    assert await one.landing.expiry_evidence(attempt) is None


async def test_a_node_that_does_not_answer_proves_nothing(one: Chain, first: TroubledNode) -> None:
    attempt = await attempt_of(one)
    await outlived(one, attempt)
    first.status["getFirstAvailableBlock"] = (500, {}, b"")
    assert await one.landing.expiry_evidence(attempt) is None


async def test_a_node_on_another_chain_proves_nothing(one: Chain, first: TroubledNode) -> None:
    attempt = await attempt_of(one)
    await outlived(one, attempt)
    first.changed["getGenesisHash"] = result_is(str(Hash.new_unique()))
    assert await one.landing.expiry_evidence(attempt) is None


async def test_two_that_answer_must_both_show_it(two: Chain, second: TroubledNode) -> None:
    attempt = await attempt_of(two)
    await outlived(two, attempt)
    evidence = await two.landing.expiry_evidence(attempt)
    assert isinstance(evidence, ExpiryEvidence)
    assert len(evidence.shown) == 2
    assert evidence.as_json()["others"][0]["endpoint"] == second.url

    lagging = {"absoluteSlot": attempt.blockhash_slot, "blockHeight": 1, "epoch": 0}
    second.changed["getEpochInfo"] = result_is(lagging)
    assert await two.landing.expiry_evidence(attempt) is None


async def test_a_signature_found_by_one_outweighs_every_null(two: Chain, first: TroubledNode) -> None:
    attempt = await attempt_of(two)
    await two.rpc.send(attempt.transaction)
    await outlived(two, attempt)
    first.changed["getSignatureStatuses"] = status_hidden
    assert isinstance(await two.landing.expiry_evidence(attempt), Found)


async def test_the_one_that_answers_is_enough(two: Chain, second: TroubledNode) -> None:
    attempt = await attempt_of(two)
    await outlived(two, attempt)
    second.status["*"] = (503, {}, b"")
    evidence = await two.landing.expiry_evidence(attempt)
    assert isinstance(evidence, ExpiryEvidence)
    assert len(evidence.shown) == 1


@pytest.mark.parametrize("code", [-32011, -32601])
async def test_a_node_that_does_not_tell_of_its_history_proves_nothing(
    one: Chain, first: TroubledNode, code: int
) -> None:
    attempt = await attempt_of(one)
    await outlived(one, attempt)

    def refused(_: dict[str, Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": "not from this node"}}

    first.changed["getSignatureStatuses"] = refused
    for told in (attempt, replace(attempt, blockhash_slot=2**62)):
        assert isinstance(await one.landing.expiry_evidence(told), HistoryMissing)


async def test_a_node_without_the_history_does_not_stand_against_one_that_has_it(
    two: Chain, first: TroubledNode, second: TroubledNode
) -> None:
    attempt = await attempt_of(two)
    await outlived(two, attempt)
    first.changed["getFirstAvailableBlock"] = result_is(attempt.blockhash_slot + 1)
    evidence = await two.landing.expiry_evidence(attempt)
    assert isinstance(evidence, ExpiryEvidence)
    assert [shown.endpoint for shown in evidence.shown] == [second.url]


async def test_no_evidence_where_nobody_answers(one: Chain, first: TroubledNode) -> None:
    attempt = replace(await attempt_of(one), last_valid_block_height=1)
    await first.hang_up()
    assert await one.landing.expiry_evidence(attempt) is None

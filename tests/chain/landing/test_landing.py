"""Landing on the local chain: whatever happens to a send, the attempt is seen, and once."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

from engine_app.chain.call_counts import count_calls
from engine_app.chain.landing import Observation, Withdrawn
from engine_app.chain.landing.attempts import SUBSCRIPTION
from engine_app.embedded.ports import free_port
from engine_app.embedded.processes import LocalChain
from tests.chain.conftest import SOL, Chain, opened, transfer_attempt, until
from tests.chain.relay import Relay
from tests.chain.troubled_node import TroubledNode, status_hidden

NO_SOCKET = f"ws://127.0.0.1:{free_port()}"


async def test_an_attempt_is_confirmed_by_the_subscription_and_then_finalized(chain: Chain) -> None:
    wallet = await chain.funded_wallet()
    attempt = transfer_attempt(wallet, await chain.blockhashes.latest(), SOL)
    with count_calls() as calls:
        await chain.landing.submit(attempt)
        confirmed = await chain.watching.wait(attempt, "confirmed")
    assert calls == {"sendTransaction": 1}
    assert confirmed.source == SUBSCRIPTION
    assert confirmed.error is None
    finalized = await chain.watching.wait(attempt, "finalized")
    landed = await chain.rpc.transaction(attempt.signature)
    assert landed is not None
    assert finalized.slot == landed.slot <= confirmed.slot
    assert finalized.as_json() == {
        "commitment": "finalized",
        "slot": landed.slot,
        "error": None,
        "source": "getSignatureStatuses",
    }


async def test_a_transaction_that_fails_on_chain_is_seen_with_its_error(chain: Chain) -> None:
    wallet = await chain.funded_wallet(SOL)
    attempt = transfer_attempt(wallet, await chain.blockhashes.latest(), 2 * SOL)
    await chain.landing.submit(attempt)
    confirmed = await chain.watching.wait(attempt, "confirmed")
    assert confirmed.error == {"InstructionError": [2, {"Custom": 1}]}
    assert (await chain.watching.wait(attempt, "finalized")).error == confirmed.error


async def test_without_a_socket_the_poll_sees_it(localnet: LocalChain) -> None:
    async with opened([localnet.rpc_url], NO_SOCKET) as room:
        wallet = await room.funded_wallet()
        attempt = transfer_attempt(wallet, await room.blockhashes.latest(), SOL)
        await room.landing.submit(attempt)
        confirmed = await room.watching.wait(attempt, "confirmed")
        assert confirmed.source == "getSignatureStatuses"


async def test_a_dropped_send_lands_by_the_same_bytes_again(localnet: LocalChain, node: TroubledNode) -> None:
    async with opened([node.url], localnet.ws_url) as room:
        wallet = await room.funded_wallet()
        node.dropped.add("sendTransaction")
        attempt = transfer_attempt(wallet, await room.blockhashes.latest(), SOL)

        async def sent_again() -> bool:
            return len(node.sent) >= 2

        submitted, slot_ms = asyncio.get_running_loop().time(), room.blockhashes.slot_ms
        with count_calls() as calls:
            await room.landing.submit(attempt)
            await until(sent_again, "the same bytes again")
        assert not room.watching.of(attempt)
        node.dropped.clear()
        await room.watching.wait(attempt, "confirmed")
        assert calls == {"sendTransaction": 1}
        assert len(node.sent) > 2
        assert len(set(node.sent)) == 1
        assert node.sent_at[1] - submitted >= 1.5 * slot_ms / 1000
        assert node.sent_at[2] - node.sent_at[1] >= 0.4
        await asyncio.sleep(0.5)  # One may be on its way.
        sends = len(node.sent)
        await asyncio.sleep(1)
        assert len(node.sent) == sends


async def test_a_send_whose_answer_is_lost_has_landed(localnet: LocalChain, node: TroubledNode) -> None:
    async with opened([node.url], localnet.ws_url) as room:
        wallet = await room.funded_wallet()
        node.lost.add("sendTransaction")
        attempt = transfer_attempt(wallet, await room.blockhashes.latest(), SOL)
        await room.landing.submit(attempt)
        await room.watching.wait(attempt, "confirmed")
        assert await room.rpc.balance(wallet.pubkey()) == 9 * SOL - 5_200


async def test_a_send_that_no_node_takes_is_not_raised_and_lands_later(
    localnet: LocalChain, node: TroubledNode
) -> None:
    async with opened([node.url], localnet.ws_url) as room:
        wallet = await room.funded_wallet()
        blockhash = await room.blockhashes.latest()
        await node.hang_up()
        attempt = transfer_attempt(wallet, blockhash, SOL)
        await room.landing.submit(attempt)
        await node.listen()
        await room.watching.wait(attempt, "confirmed")


async def test_re_sends_go_to_every_endpoint(localnet: LocalChain, node: TroubledNode) -> None:
    async with TroubledNode(localnet.rpc_url) as second, opened([node.url, second.url], localnet.ws_url) as room:
        wallet = await room.funded_wallet()
        node.dropped.add("sendTransaction")
        attempt = transfer_attempt(wallet, await room.blockhashes.latest(), SOL)
        await room.landing.submit(attempt)
        await room.watching.wait(attempt, "confirmed")
        assert set(second.sent) == set(node.sent)


async def test_a_followed_attempt_that_was_never_sent_is_sent(chain: Chain) -> None:
    wallet = await chain.funded_wallet()
    attempt = transfer_attempt(wallet, await chain.blockhashes.latest(), SOL)
    await chain.landing.follow(attempt)
    await chain.watching.wait(attempt, "confirmed")


async def test_a_followed_attempt_that_was_final_long_ago_is_found_in_the_history(fast_chain: LocalChain) -> None:
    async with opened([fast_chain.rpc_url], fast_chain.ws_url) as room:
        wallet = await room.funded_wallet()
        attempt = transfer_attempt(wallet, await room.blockhashes.latest(), SOL)
        await room.rpc.send(attempt.transaction)

        async def far_behind() -> bool:
            return await room.rpc.block_height("finalized") > attempt.last_valid_block_height + 200

        await until(far_behind, "the attempt to be old")
        await room.landing.follow(attempt)
        assert (await room.watching.wait(attempt, "finalized")).error is None


async def test_following_again_tells_again(chain: Chain) -> None:
    wallet = await chain.funded_wallet()
    attempt = transfer_attempt(wallet, await chain.blockhashes.latest(), SOL)
    await chain.landing.submit(attempt)
    finalized = await chain.watching.wait(attempt, "finalized")
    told = len(chain.watching.of(attempt))
    await chain.landing.follow(attempt)

    async def told_again() -> bool:
        return len(chain.watching.of(attempt)) > told

    await until(told_again, "the last observation")
    assert chain.watching.of(attempt)[-1] == finalized


async def test_a_forgotten_attempt_is_left_alone(localnet: LocalChain, node: TroubledNode) -> None:
    async with opened([node.url], localnet.ws_url) as room:
        wallet = await room.funded_wallet()
        node.dropped.add("sendTransaction")
        attempt = transfer_attempt(wallet, await room.blockhashes.latest(), SOL)
        await room.landing.submit(attempt)
        assert room.landing.following() == {attempt.attempt_id}
        room.landing.forget(attempt.attempt_id)
        assert room.landing.following() == frozenset()
        await asyncio.sleep(0.2)
        sends = len(node.sent)
        await asyncio.sleep(1.2)
        assert len(node.sent) == sends
        room.landing.forget(attempt.attempt_id)


async def test_what_every_endpoint_has_lost_is_withdrawn_and_sent_again(
    localnet: LocalChain, node: TroubledNode
) -> None:
    async with opened([node.url], localnet.ws_url) as room:
        wallet = await room.funded_wallet()
        attempt = transfer_attempt(wallet, await room.blockhashes.latest(), SOL)
        node.changed["getSignatureStatuses"] = status_hidden
        await room.landing.submit(attempt)
        confirmed = await room.watching.wait(attempt, "confirmed")
        sends = len(node.sent)

        async def withdrawn() -> bool:
            return any(isinstance(seen, Withdrawn) for seen in room.watching.of(attempt))

        await until(withdrawn, "the withdrawal")
        (taken_back,) = [seen for seen in room.watching.of(attempt) if isinstance(seen, Withdrawn)]
        assert taken_back.slot >= confirmed.slot

        async def sent_again() -> bool:
            return len(node.sent) > sends

        await until(sent_again, "the same bytes again")
        assert len(set(node.sent)) == 1
        del node.changed["getSignatureStatuses"]
        await room.watching.wait(attempt, "finalized")


async def test_one_endpoint_that_still_has_it_outweighs_one_that_has_not(
    localnet: LocalChain, node: TroubledNode
) -> None:
    node.changed["getSignatureStatuses"] = status_hidden
    async with opened([node.url, localnet.rpc_url], localnet.ws_url) as room:
        wallet = await room.funded_wallet()
        attempt = transfer_attempt(wallet, await room.blockhashes.latest(), SOL)
        await room.landing.submit(attempt)
        await room.watching.wait(attempt, "finalized")
        assert all(isinstance(seen, Observation) for seen in room.watching.of(attempt))


async def test_the_socket_is_replaced_and_waits_for_the_same_signatures(
    localnet: LocalChain, node: TroubledNode
) -> None:
    upstream = urlsplit(localnet.ws_url)
    assert upstream.port is not None
    async with (
        Relay("127.0.0.1", upstream.port) as socket,
        opened([node.url], f"ws://127.0.0.1:{socket.port}") as room,
    ):
        wallet = await room.funded_wallet()
        node.dropped.add("sendTransaction")
        node.changed["getSignatureStatuses"] = status_hidden
        attempt = transfer_attempt(wallet, await room.blockhashes.latest(), SOL)
        await room.landing.submit(attempt)
        checks = node.asked["getGenesisHash"]
        assert room.stream.connected
        socket.cut()

        async def back() -> bool:
            return socket.connections == 2 and room.stream.connected and node.asked["getGenesisHash"] > checks

        await until(back, "the socket and the genesis check")
        node.dropped.clear()
        confirmed = await room.watching.wait(attempt, "confirmed")
        assert confirmed.source == SUBSCRIPTION


async def test_blocks_left_are_counted_down(chain: Chain) -> None:
    wallet = await chain.funded_wallet()
    attempt = transfer_attempt(wallet, await chain.blockhashes.latest(), SOL)
    left = chain.landing.blocks_left(attempt)
    assert left is not None
    assert 100 < left <= 150

    async def fewer() -> bool:
        now = chain.landing.blocks_left(attempt)
        return now is not None and now <= left - 3

    await until(fewer, "blocks to pass")
    exact = attempt.last_valid_block_height - await chain.rpc.block_height("processed")
    estimate = chain.landing.blocks_left(attempt)
    assert estimate is not None
    assert abs(estimate - exact) <= 3


async def test_hundreds_of_dropped_attempts_do_not_slow_down_a_new_one(
    localnet: LocalChain, node: TroubledNode
) -> None:
    async with opened([node.url], localnet.ws_url) as room:
        wallet = await room.funded_wallet()
        blockhash = await room.blockhashes.latest()
        node.dropped.add("sendTransaction")
        await asyncio.gather(*(room.landing.submit(transfer_attempt(wallet, blockhash, 1)) for _ in range(500)))
        node.dropped.clear()
        node.changed["sendTransaction"] = lambda answer: answer
        attempt = transfer_attempt(wallet, await room.blockhashes.latest(), SOL)
        began = time.monotonic()
        await room.landing.submit(attempt)
        await room.watching.wait(attempt, "confirmed")
        assert time.monotonic() - began < 15

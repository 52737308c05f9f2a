"""Every typed call against the local chain."""

from __future__ import annotations

from uuid import uuid4

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.chain.call_counts import Outcome, count_calls, counted_apart
from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import (
    TOKEN_ACCOUNT_SIZE,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    ata,
    decode_mint,
    decode_token_account,
    wrapped_sol_address,
)
from engine_app.chain.token_instructions import close_wrapped_sol, create_ata_idempotent, open_wrapped_sol
from engine_app.chain.transactions import compose, unsigned_bytes
from tests.chain.conftest import SOL, Chain, signed_attempt, transfer_attempt, until

USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")


async def test_accounts_are_read_together_and_missing_ones_are_left_out(rpc: Rpc) -> None:
    missing = Keypair().pubkey()
    with count_calls() as calls:
        read = await rpc.accounts([WRAPPED_SOL_MINT, missing, USDC])
    assert calls == {"getMultipleAccounts": 1}
    assert set(read.accounts) == {WRAPPED_SOL_MINT, USDC}
    assert decode_mint(read.accounts[USDC]).decimals == 6
    assert read.slot > 0
    assert read.slots_apart == 0


async def test_more_than_a_hundred_accounts_come_in_chunks_of_which_one_is_counted(rpc: Rpc) -> None:
    addresses = [Keypair().pubkey() for _ in range(249)] + [USDC]
    with count_calls() as calls:
        read = await rpc.accounts(addresses)
    assert set(read.accounts) == {USDC}
    assert calls == {"getMultipleAccounts": 1}
    assert rpc.totals.of("getMultipleAccounts") == 3


async def test_no_account_answers_below_the_asked_slot(rpc: Rpc) -> None:
    with pytest.raises(RpcUnavailable, match="-32016"):
        await rpc.accounts([USDC], min_context_slot=10**9)


async def test_program_accounts_are_filtered_by_size_and_bytes(rpc: Rpc) -> None:
    program = CLUSTERS["localnet"].raydium_cpmm
    pools = await rpc.program_accounts(program, 637)
    assert pools
    assert all(account.owner == program and len(account.data) == 637 for account in pools.values())
    with_usdc = await rpc.program_accounts(program, 637, [(168, bytes(USDC))])
    assert 0 < len(with_usdc) < len(pools)
    assert all(account.data[168:200] == bytes(USDC) for account in with_usdc.values())


async def test_a_refusal_carries_the_nodes_own_words(rpc: Rpc) -> None:
    with pytest.raises(RpcRefused) as refused:
        await rpc.program_accounts(CLUSTERS["localnet"].raydium_cpmm, memcmp=[(0, bytes(129))])
    assert refused.value.method == "getProgramAccounts"
    assert refused.value.rpc_code == -32602
    assert refused.value.message


async def test_a_simulation_tells_units_logs_and_the_state_afterwards(chain: Chain) -> None:
    wallet = await chain.funded_wallet()
    attempt_id = uuid4()
    blockhash = await chain.blockhashes.latest()
    opened = wrapped_sol_address(wallet.pubkey(), attempt_id)
    rent = await chain.rpc.rent_exemption(TOKEN_ACCOUNT_SIZE)
    message = compose(
        wallet.pubkey(),
        open_wrapped_sol(wallet.pubkey(), attempt_id, 3 * SOL, rent),
        blockhash=blockhash.hash,
        compute_unit_limit=1_400_000,
        compute_unit_price=0,
    )
    with count_calls() as calls:
        simulation = await chain.rpc.simulate(unsigned_bytes(message), accounts=[opened, Keypair().pubkey()])
    assert calls == {"simulateTransaction": 1}
    assert simulation.error is None
    assert simulation.units > 0
    assert any(str(TOKEN_PROGRAM) in line for line in simulation.logs)
    state = simulation.accounts[opened]
    assert state is not None
    assert decode_token_account(state).amount == 3 * SOL
    assert await chain.rpc.balance(opened) == 0


async def test_a_simulation_that_fails_tells_why(chain: Chain) -> None:
    wallet = await chain.funded_wallet(SOL)
    attempt = transfer_attempt(wallet, await chain.blockhashes.latest(), 2 * SOL)
    simulation = await chain.rpc.simulate(attempt.transaction)
    assert simulation.error == {"InstructionError": [2, {"Custom": 1}]}


async def test_a_landed_transaction_is_read_with_all_it_moved(chain: Chain) -> None:
    wallet, target = await chain.funded_wallet(), Keypair().pubkey()
    attempt = transfer_attempt(wallet, await chain.blockhashes.latest(), SOL, to=target)
    await chain.landing.submit(attempt)
    await chain.watching.wait(attempt, "confirmed")
    landed = await chain.rpc.transaction(attempt.signature)
    assert landed is not None
    assert landed.signature == attempt.signature
    assert landed.error is None
    assert landed.slot > 0
    assert landed.block_time is not None
    assert landed.account_keys[0] == wallet.pubkey()
    assert landed.lamports_gained(target) == SOL
    assert landed.lamports_gained(wallet.pubkey()) == -SOL - landed.fee
    assert landed.fee == 5_000 + 200
    assert landed.compute_units == 450
    assert landed.logs


async def test_token_balances_before_and_after_are_read(chain: Chain) -> None:
    wallet = await chain.funded_wallet()
    owner = wallet.pubkey()
    await chain.rpc.airdrop(owner, 5_000_000, USDC)
    account = ata(owner, USDC, TOKEN_PROGRAM)

    async def arrived() -> bool:
        return bool((await chain.rpc.accounts([account])).accounts)

    await until(arrived, "the USDC")
    held = await chain.rpc.token_accounts_by_owner(owner)
    assert [(address, token.mint, token.amount) for address, token in held] == [(account, USDC, 5_000_000)]

    other = Keypair().pubkey()
    blockhash = await chain.blockhashes.latest()
    attempt = signed_attempt(wallet, blockhash, create_ata_idempotent(owner, other, USDC, TOKEN_PROGRAM))
    await chain.landing.submit(attempt)
    await chain.watching.wait(attempt, "confirmed")
    landed = await chain.rpc.transaction(attempt.signature)
    assert landed is not None
    made = ata(other, USDC, TOKEN_PROGRAM)
    assert made not in landed.pre_tokens
    assert (landed.post_tokens[made].amount, landed.post_tokens[made].owner, landed.post_tokens[made].mint) == (
        0,
        other,
        USDC,
    )
    assert landed.inner_instructions


async def test_an_unknown_transaction_is_none(rpc: Rpc) -> None:
    unknown = Signature(bytes(range(64)))
    assert await rpc.transaction(unknown) is None
    slot, statuses = await rpc.signature_statuses([unknown] * 300, history=True)
    assert statuses == [None] * 300
    assert slot > 0


async def test_statuses_follow_a_transaction_to_finality(chain: Chain) -> None:
    wallet = await chain.funded_wallet()
    attempt = transfer_attempt(wallet, await chain.blockhashes.latest(), SOL)
    await chain.rpc.send(attempt.transaction)
    reached: list[str] = []

    async def final() -> bool:
        _, (status,) = await chain.rpc.signature_statuses([attempt.signature])
        if status is not None and status.commitment not in reached:
            assert status.error is None
            reached.append(status.commitment)
        return "finalized" in reached

    await until(final, "finality")
    assert reached == sorted(reached, key=["processed", "confirmed", "finalized"].index)


async def test_heights_slots_and_commitments_agree(rpc: Rpc) -> None:
    finalized = await rpc.epoch_info("finalized")
    confirmed = await rpc.epoch_info("confirmed")
    assert finalized.slot < confirmed.slot
    assert finalized.block_height <= confirmed.block_height
    assert await rpc.block_height("confirmed") >= confirmed.block_height
    assert await rpc.slot("processed") >= confirmed.slot
    assert await rpc.first_available_block() <= finalized.slot
    blockhash = await rpc.latest_blockhash()
    assert blockhash.last_valid_block_height > confirmed.block_height
    assert blockhash.slot >= confirmed.slot


async def test_wrapping_costs_fees_alone(chain: Chain) -> None:
    wallet = await chain.funded_wallet()
    owner, attempt_id = wallet.pubkey(), uuid4()
    rent = await chain.rpc.rent_exemption(TOKEN_ACCOUNT_SIZE)
    attempt = signed_attempt(
        wallet,
        await chain.blockhashes.latest(),
        *open_wrapped_sol(owner, attempt_id, SOL, rent),
        close_wrapped_sol(owner, attempt_id),
    )
    await chain.landing.submit(attempt)
    await chain.watching.wait(attempt, "confirmed")
    landed = await chain.rpc.transaction(attempt.signature)
    assert landed is not None
    assert landed.error is None
    assert landed.lamports_gained(owner) == -landed.fee


async def test_calls_are_counted_by_method_and_in_totals(rpc: Rpc) -> None:
    with count_calls() as calls:
        await rpc.slot()
        await rpc.slot()
        await rpc.poll().slot()
        await rpc.nodes()[0].slot()
        with counted_apart():
            await rpc.slot()
    assert calls == {"getSlot": 2}
    (name,) = {endpoint for _, endpoint, _ in rpc.totals.snapshot()}
    assert rpc.totals.snapshot()["getSlot", name, Outcome.OK] == 5


async def test_the_genesis_hash_is_known_after_the_start(rpc: Rpc) -> None:
    assert rpc.genesis == await rpc.genesis_hash()
    (health,) = rpc.health()
    assert health.verified
    assert health.available
    assert health.wrong is None
    assert health.latency_ms is not None

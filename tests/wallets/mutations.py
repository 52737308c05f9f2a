"""Every message that differs from a given one in a single field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from solders.hash import Hash
from solders.instruction import CompiledInstruction
from solders.message import MessageHeader, MessageV0
from solders.pubkey import Pubkey

MASKS = (0x01, 0x80, 0xFF)


def changed_bytes(message: MessageV0) -> Iterator[tuple[str, MessageV0]]:
    """Each byte of the wire form changed in three ways, where that is still a message."""
    wire = bytes(message)
    for at in range(len(wire)):
        for mask in MASKS:
            try:
                yield f"byte {at} ^ {mask}", MessageV0.from_bytes(wire[:at] + bytes([wire[at] ^ mask]) + wire[at + 1 :])
            except ValueError:
                continue


def changed_fields(message: MessageV0, foreign: Pubkey) -> Iterator[tuple[str, MessageV0]]:
    """Each field changed on its own: header, keys, blockhash, and of each instruction its place, program, accounts and
    data; `foreign` is an address that the message does not name."""
    header, keys = message.header, list(message.account_keys)
    numbers = (
        header.num_required_signatures,
        header.num_readonly_signed_accounts,
        header.num_readonly_unsigned_accounts,
    )
    for field in range(3):
        for step in (-1, 1):
            changed = list(numbers)
            changed[field] += step
            if changed[field] >= 0:
                yield f"header {field} {step:+}", _with(message, header=MessageHeader(*changed))
    for at in range(len(keys)):
        yield f"key {at} foreign", _with(message, keys=[*keys[:at], foreign, *keys[at + 1 :]])
        for other in range(at):
            swapped = list(keys)
            swapped[at], swapped[other] = swapped[other], swapped[at]
            yield f"keys {other} and {at}", _with(message, keys=swapped)
    yield "blockhash", _with(message, blockhash=Hash.hash(b"another block"))
    yield from _changed_instructions(message, foreign)


def _changed_instructions(message: MessageV0, foreign: Pubkey) -> Iterator[tuple[str, MessageV0]]:
    steps = list(message.instructions)
    wider = [*message.account_keys, foreign]
    for at, step in enumerate(steps):
        before, behind = steps[:at], steps[at + 1 :]
        yield f"without {at}", _with(message, steps=before + behind)
        yield f"twice {at}", _with(message, steps=[*before, step, step, *behind])
        for other in range(at):
            swapped = list(steps)
            swapped[at], swapped[other] = swapped[other], swapped[at]
            yield f"steps {other} and {at}", _with(message, steps=swapped)
        for changed in _changed(step, len(wider)):
            yield f"step {at}: {changed}", _with(message, keys=wider, steps=[*before, changed, *behind])


def _changed(step: CompiledInstruction, keys: int) -> Iterator[CompiledInstruction]:
    program, accounts, data = step.program_id_index, bytes(step.accounts), bytes(step.data)
    for index in range(keys):
        yield CompiledInstruction(index, data, accounts)
        yield CompiledInstruction(program, data, accounts + bytes([index]))
        for at in range(len(accounts)):
            yield CompiledInstruction(program, data, accounts[:at] + bytes([index]) + accounts[at + 1 :])
    for at in range(len(accounts)):
        yield CompiledInstruction(program, data, accounts[:at] + accounts[at + 1 :])
    for at in range(len(data)):
        for mask in MASKS:
            yield CompiledInstruction(program, data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :], accounts)
    yield CompiledInstruction(program, data + b"\0", accounts)
    yield CompiledInstruction(program, data[:-1], accounts)


def _with(
    message: MessageV0,
    *,
    header: MessageHeader | None = None,
    keys: Sequence[Pubkey] | None = None,
    blockhash: Hash | None = None,
    steps: Sequence[CompiledInstruction] | None = None,
) -> MessageV0:
    return MessageV0(
        header or message.header,
        list(message.account_keys if keys is None else keys),
        blockhash or message.recent_blockhash,
        list(message.instructions if steps is None else steps),
        list(message.address_table_lookups),
    )

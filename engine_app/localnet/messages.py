"""What a transaction's message says: its accounts (looked-up ones too) and what it offers to pay."""

from collections.abc import Callable
from dataclasses import dataclass

from solders.account import Account
from solders.message import Message, MessageAddressTableLookup, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

SYSTEM_PROGRAM = Pubkey.from_string("11111111111111111111111111111111")
COMPUTE_BUDGET_PROGRAM = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
LOOKUP_TABLE_PROGRAM = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
_BUILTIN_PROGRAMS = frozenset(
    {
        SYSTEM_PROGRAM,
        COMPUTE_BUDGET_PROGRAM,
        LOOKUP_TABLE_PROGRAM,
        Pubkey.from_string("Vote111111111111111111111111111111111111111"),
        Pubkey.from_string("BPFLoader1111111111111111111111111111111111"),
        Pubkey.from_string("BPFLoader2111111111111111111111111111111111"),
        Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111"),
        Pubkey.from_string("LoaderV411111111111111111111111111111111111"),
    }
)
_PRECOMPILES = frozenset(
    {
        Pubkey.from_string("KeccakSecp256k11111111111111111111111111111"),
        Pubkey.from_string("Ed25519SigVerify111111111111111111111111111"),
        Pubkey.from_string("Secp256r1SigVerify1111111111111111111111111"),
    }
)
_LOOKUP_TABLE_META_LENGTH = 56
LAMPORTS_PER_SIGNATURE = 5_000
_UNITS_PER_INSTRUCTION = 200_000
_UNITS_PER_BUILTIN_INSTRUCTION = 3_000
_MAX_UNITS = 1_400_000
_MICROLAMPORTS = 1_000_000

AnyMessage = Message | MessageV0


class LookupFailed(Exception):
    """An address table lookup names no usable table; `error` is the transaction error's name."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class UnsupportedMessage(Exception):
    """The message is of a version this chain does not run."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of one message in the order its instructions index them.

    Attributes:
        keys: static keys, then looked-up writable ones, then looked-up read-only ones.
        writable: whether the key at the same index may be written.
        static_count: how many of `keys` stand in the message itself.
        signer_count: how many of `keys` sign; the first one pays.
        loaded_writable_count: how many of the looked-up keys are writable.
    """

    keys: tuple[Pubkey, ...]
    writable: tuple[bool, ...]
    static_count: int
    signer_count: int
    loaded_writable_count: int

    @property
    def loaded_writable(self) -> tuple[Pubkey, ...]:
        """The looked-up writable addresses."""
        return self.keys[self.static_count : self.static_count + self.loaded_writable_count]

    @property
    def loaded_readonly(self) -> tuple[Pubkey, ...]:
        """The looked-up read-only addresses."""
        return self.keys[self.static_count + self.loaded_writable_count :]


def message_of(transaction: VersionedTransaction) -> AnyMessage:
    """The transaction's message.

    Raises:
        UnsupportedMessage: it is neither legacy nor version 0.
    """
    message = transaction.message
    if not isinstance(message, Message | MessageV0):
        raise UnsupportedMessage("only legacy and version 0 transactions run here")
    return message


def resolve(message: AnyMessage, account: Callable[[Pubkey], Account | None]) -> Accounts:
    """The message's accounts; `account` reads a lookup table's newest state.

    Raises:
        LookupFailed: a table is missing, not a table, or too short.
    """
    static = message.account_keys
    called = {instruction.program_id_index for instruction in message.instructions}
    header = message.header
    signers = header.num_required_signatures
    signed_writable = signers - header.num_readonly_signed_accounts
    unsigned_writable = len(static) - header.num_readonly_unsigned_accounts
    writable = [
        (index < signed_writable or signers <= index < unsigned_writable) and index not in called
        for index in range(len(static))
    ]
    loaded_writable: list[Pubkey] = []
    loaded_readonly: list[Pubkey] = []
    if isinstance(message, MessageV0):
        for lookup in message.address_table_lookups:
            table = _table_addresses(lookup, account)
            loaded_writable += _pick(table, lookup.writable_indexes)
            loaded_readonly += _pick(table, lookup.readonly_indexes)
    return Accounts(
        keys=(*static, *loaded_writable, *loaded_readonly),
        writable=(*writable, *([True] * len(loaded_writable)), *([False] * len(loaded_readonly))),
        static_count=len(static),
        signer_count=signers,
        loaded_writable_count=len(loaded_writable),
    )


def _table_addresses(lookup: MessageAddressTableLookup, account: Callable[[Pubkey], Account | None]) -> bytes:
    table = account(lookup.account_key)
    if table is None:
        raise LookupFailed("AddressLookupTableNotFound")
    if table.owner != LOOKUP_TABLE_PROGRAM:
        raise LookupFailed("InvalidAddressLookupTableOwner")
    if len(table.data) < _LOOKUP_TABLE_META_LENGTH:
        raise LookupFailed("InvalidAddressLookupTableData")
    return table.data[_LOOKUP_TABLE_META_LENGTH:]


def _pick(table: bytes, indexes: bytes | list[int]) -> list[Pubkey]:
    picked = [table[32 * index : 32 * index + 32] for index in indexes]
    if any(len(address) != 32 for address in picked):
        raise LookupFailed("InvalidAddressLookupTableIndex")
    return [Pubkey(address) for address in picked]


@dataclass(frozen=True, slots=True)
class Budget:
    """What a message asks of the compute budget program.

    Attributes:
        unit_price: micro-lamports per compute unit offered on top of the base fee.
        unit_limit: compute units the price is paid for.
    """

    unit_price: int
    unit_limit: int


def budget_of(message: AnyMessage) -> Budget:
    """The message's compute budget, with the runtime's defaults (SIMD-0170) for what it leaves out."""
    keys = message.account_keys
    price = 0
    limit: int | None = None
    default_limit = 0
    for instruction in message.instructions:
        program = keys[instruction.program_id_index]
        data = instruction.data
        if program == COMPUTE_BUDGET_PROGRAM:
            if data[:1] == b"\x02" and len(data) >= 5:
                limit = int.from_bytes(data[1:5], "little")
            elif data[:1] == b"\x03" and len(data) >= 9:
                price = int.from_bytes(data[1:9], "little")
        if program in _BUILTIN_PROGRAMS:
            default_limit += _UNITS_PER_BUILTIN_INSTRUCTION
        elif program not in _PRECOMPILES:
            default_limit += _UNITS_PER_INSTRUCTION
    return Budget(price, min(default_limit if limit is None else limit, _MAX_UNITS))


def fee_of(message: AnyMessage) -> int:
    """Lamports the message pays: 5,000 a signature plus the priority fee, rounded up to a lamport."""
    keys = message.account_keys
    signatures = message.header.num_required_signatures
    for instruction in message.instructions:
        if keys[instruction.program_id_index] in _PRECOMPILES and instruction.data:
            signatures += instruction.data[0]
    budget = budget_of(message)
    priority = -(-budget.unit_price * budget.unit_limit // _MICROLAMPORTS)
    return LAMPORTS_PER_SIGNATURE * signatures + priority


def signers_of(transaction: VersionedTransaction) -> tuple[str, ...]:
    """Addresses that sign the transaction; the first one pays."""
    message = message_of(transaction)
    return tuple(str(key) for key in message.account_keys[: message.header.num_required_signatures])

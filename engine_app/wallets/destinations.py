"""Where funds may be sent: what an address tells by itself, before the chain is asked. Pure."""

from __future__ import annotations

from collections.abc import Collection

from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM

from engine_app.chain.token_accounts import ASSOCIATED_TOKEN_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM
from engine_app.errors import EngineError, register

INCINERATOR = Pubkey.from_string("1nc1nerator11111111111111111111111111111111")
"""What is sent there is burned at the end of the slot."""

NEVER = frozenset({SYSTEM_PROGRAM, INCINERATOR, TOKEN_PROGRAM, TOKEN_2022_PROGRAM, ASSOCIATED_TOKEN_PROGRAM})


class InvalidDestination(EngineError):
    """The address is none, or none that anybody could spend from."""

    code = register(
        "INVALID_DESTINATION",
        "The address is not one that funds can be sent to.",
        "Nothing was sent.",
        "Give the address of somebody's wallet, as that wallet shows it.",
    )
    status = 422


def destination(text: str, *, own: str, mints: Collection[Pubkey]) -> Pubkey:
    """The wallet that an address names.

    An address off the curve has no key: it is a token account or another account of a program. Some programs do hold
    funds for people, but which ones cannot be told, and what the others receive is lost; so none is accepted.

    Args:
        text: base58, as its user wrote it.
        own: the address that would be sent from.
        mints: known mints, which people take for addresses to send the token to.

    Raises:
        InvalidDestination: it is no address, or what is sent there would be lost.
    """
    try:
        address = Pubkey.from_string(text)
    except ValueError:
        raise InvalidDestination("this is not a Solana address: 32 bytes in base58") from None
    if str(address) == own:
        raise InvalidDestination("this is the wallet's own address")
    if address in mints:
        raise InvalidDestination("this is a token's mint, not a wallet")
    if address in NEVER:
        raise InvalidDestination("this is a program, not a wallet: what is sent there is lost")
    if not address.is_on_curve():
        raise InvalidDestination("this is a token account or a program's account, not a wallet: nobody has its key")
    return address

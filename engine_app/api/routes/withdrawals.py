"""Sending funds away, and where they may go."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response

from engine_app.accounts.client_ip import client_ip
from engine_app.accounts.errors import WrongPassword
from engine_app.api.auth import Caller, Owner, Services, Withdrawer
from engine_app.api.exact import ExactResponse, ExactRoute
from engine_app.api.problems import documented
from engine_app.api.schemas import ExecuteResponse, accepted
from engine_app.api.withdraw_schemas import (
    AddressesResponse,
    AddressRequest,
    AddressResponse,
    WithdrawRequest,
    address_of,
)
from engine_app.markets.errors import InvalidAmount, UnknownToken
from engine_app.orders.address_book import AddressBookFull, AddressNotInBook, AddressUnknown, AddressWaits
from engine_app.orders.errors import WalletStopped
from engine_app.orders.idempotency import InvalidKey, KeyReused
from engine_app.orders.intake import IntakePaused
from engine_app.orders.limits import EngineFull, TooManyOpenOrders
from engine_app.orders.service import PlaceTransfer
from engine_app.orders.transfers import NothingToWithdraw, OrdersHoldSol
from engine_app.wallets.destinations import InvalidDestination

REFUSALS = (UnknownToken, InvalidAmount, InvalidDestination, InvalidKey, KeyReused)
"""What can be judged without the chain."""
NOT_SO = (AddressNotInBook, AddressWaits, NothingToWithdraw, OrdersHoldSol, WalletStopped)

router = APIRouter(prefix="/api/wallet", tags=["wallet"], route_class=ExactRoute)


@router.post(
    "/withdraw",
    status_code=202,
    summary="Send SOL or a token to another wallet",
    response_model=ExecuteResponse,
    responses=documented(
        401, 403, WrongPassword, *NOT_SO, 422, *REFUSALS, 429, TooManyOpenOrders, 502, 503, EngineFull, IntakePaused
    ),
)
async def withdraw(
    wanted: WithdrawRequest,
    request: Request,
    caller: Withdrawer,
    services: Services,
    idempotency_key: Annotated[str | None, Header(description="the same key and body give the same order")] = None,
) -> ExactResponse:
    """202: the withdrawal is durable, an order of kind `transfer` like any other: look at it, follow it and cancel it
    under `/api/orders`. `tokenIn` and `tokenOut` are the token; `minOut` is what has to arrive at `destination` and
    `amountOut` what did: all of the amount, but for mints that keep a fee.

    What only the chain can tell (balance, whether the destination is a wallet) ends as the order's status `failed`. A
    withdrawal of SOL leaves the wallet either empty or with its rent exemption. Where new addresses have to wait (on
    mainnet), the destination has to be in the address book."""
    order = await services.withdrawals.request(
        caller.user_id,
        PlaceTransfer(token=wanted.token, amount=wanted.amount, address=wanted.address),
        password=wanted.password,
        ip=client_ip(request),
        key=idempotency_key,
    )
    return ExactResponse(accepted(order, services.settings, request), status_code=202)


@router.get(
    "/addresses",
    summary="The address book",
    response_model=AddressesResponse,
    responses=documented(401, 403, 503),
)
async def addresses(caller: Caller, services: Services) -> ExactResponse:
    """The newest first. Where addresses have to wait, `usableAt` tells when each of them may be used."""
    known = await services.address_book.addresses(caller.user_id)
    return ExactResponse(AddressesResponse(addresses=[address_of(each) for each in known]))


@router.post(
    "/addresses",
    status_code=201,
    summary="Add an address to the address book",
    response_model=AddressResponse,
    responses={
        200: {"description": "The address was there already and has the new label", "model": AddressResponse},
        **documented(401, 403, WrongPassword, AddressBookFull, 422, InvalidDestination, 429, 503),
    },
)
async def add_address(wanted: AddressRequest, request: Request, caller: Owner, services: Services) -> ExactResponse:
    """201 where the address is new and begins to wait, 200 where it was there already. For sessions: an API key may
    withdraw to the addresses that its owner has named, and names none."""
    known, added = await services.address_book.add(
        caller.user_id, wanted.address, label=wanted.label, password=wanted.password, ip=client_ip(request)
    )
    return ExactResponse(address_of(known), status_code=201 if added else 200)


@router.delete(
    "/addresses/{address}",
    status_code=204,
    summary="Take an address out of the address book",
    responses=documented(401, 403, AddressUnknown, 503),
)
async def remove_address(
    address: Annotated[str, Path(description="base58")], request: Request, caller: Owner, services: Services
) -> Response:
    """Withdrawals under way go on; added again, the address waits anew."""
    await services.address_book.remove(caller.user_id, address, ip=client_ip(request))
    return Response(status_code=204)

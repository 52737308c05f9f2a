"""The caller's wallet and its test funds."""

from __future__ import annotations

from fastapi import APIRouter

from engine_app.api.auth import Caller, Services, Trader
from engine_app.api.exact import ExactResponse, ExactRoute
from engine_app.api.problems import documented
from engine_app.api.schemas import AirdropRequest, AirdropResponse, WalletResponse, balances_of
from engine_app.markets.errors import UnknownToken
from engine_app.wallets.faucet import FaucetRefused, NoFaucet

router = APIRouter(prefix="/api/wallet", tags=["wallet"], route_class=ExactRoute)


@router.get("", summary="Address and balances", response_model=WalletResponse, responses=documented(401, 403, 502, 503))
async def wallet(caller: Caller, services: Services) -> ExactResponse:
    """SOL always and first, other tokens where not zero."""
    view = await services.wallets.view(caller.user_id)
    return ExactResponse(WalletResponse(address=view.address, balances=balances_of(view)))


@router.post(
    "/airdrop",
    summary="Get test funds",
    response_model=AirdropResponse,
    responses=documented(401, 403, NoFaucet, 422, UnknownToken, 429, 502, FaucetRefused, 503),
)
async def airdrop(caller: Trader, services: Services, wanted: AirdropRequest | None = None) -> ExactResponse:
    """Answers once the funds are confirmed. SOL on localnet and devnet, on localnet every seeded token too."""
    grant = await services.faucet.grant(caller.user_id, wanted.token if wanted else None)
    return ExactResponse(AirdropResponse(signatures=list(grant.signatures), balances=balances_of(grant.wallet)))

"""What routes and the pools that were asked look like in responses. Amounts are strings of base units."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine_app.api.shapes import ResponseShape

_SOL = "So11111111111111111111111111111111111111112"
_USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
_POOL = "8sLbNZoA1cfnvMJLPfp98ZLAnFSYCFApfJKMbiXNLwxj"

Units = Annotated[str, Field(description="base units", examples=["224662500"])]
Pool = Annotated[str, Field(description="its address", examples=[_POOL])]
Venue = Annotated[str, Field(examples=["raydium_cpmm"])]
DexName = Literal["raydium", "meteora"]
Kind = Annotated[
    Literal["pool", "split", "two hops"],
    Field(description="one pool, several that share the amount, or two hops over a third mint", examples=["pool"]),
]


class FeeResponse(ResponseShape):
    """A fee that is contained in what a pool pays: the pool's, its creator's, or of a transfer."""

    kind: Literal["pool", "creator", "transfer"] = Field(examples=["pool"])
    mint: str = Field(examples=[_SOL])
    amount_units: Units = Field(examples=["3750000"])


class LegResponse(ResponseShape):
    """One swap of a route, in one pool."""

    hop: Literal[1, 2] = Field(description="the legs of hop 2 spend what the leg of hop 1 brings", examples=[1])
    pool: Pool
    venue: Venue
    dex: DexName
    mint_in: str = Field(examples=[_SOL])
    mint_out: str = Field(examples=[_USDC])
    share: str = Field(description="its part of what its hop takes", examples=["1"])
    amount_in_units: Units = Field(examples=["1500000000"])
    amount_out_units: Units
    exact_out: bool = Field(
        description="whether it buys exactly `amountOutUnits` and leaves what it does not need of the amount in",
        examples=[False],
    )
    fees: list[FeeResponse]


class LeftOverResponse(ResponseShape):
    """What two hops leave with the wallet besides what they pay."""

    mint: str = Field(description="the mint paid, or the one in between", examples=[_SOL])
    expected_units: Units = Field(examples=["7500000"])
    at_most_units: Units = Field(
        description="where the first hop's pool pays up to the slippage more than was quoted", examples=["22500000"]
    )


class AlternativeResponse(ResponseShape):
    """A way that pays less, and why it was not taken."""

    kind: Kind
    between: str | None = Field(description="the mint between two hops", examples=[None])
    amount_out_units: Units
    route: list[LegResponse]
    lost: str = Field(examples=["pays 0.1042 % less than the route that was taken"])


class CandidateResponse(ResponseShape):
    """A pool of the pair that takes the whole amount, and what it alone would pay."""

    pool: Pool
    venue: Venue
    dex: DexName
    amount_out_units: Units
    price: str = Field(description="tokenOut per tokenIn", examples=["149.775"])
    price_impact: str = Field(description="a fraction", examples=["0.0031"])
    fees: list[FeeResponse]
    lost: str | None = Field(description="why it has no part in the route; null where it has", examples=[None])


class RefusedResponse(ResponseShape):
    """A pool that gives no quote for the amount."""

    pool: Pool
    venue: Venue
    dex: DexName
    reason: str = Field(examples=["closed: the pool's status forbids swaps"])

"""The admin port: faults, forks, whales, more endpoints, and what the chain has seen. For tests; off by default.

JSON in and out; a body that makes no sense is a 422, a port that is taken a 409.

| route               | body                                     | does, or gives                                    |
|---------------------|------------------------------------------|---------------------------------------------------|
| POST /faults        | `{kind, …}`, see `faults.specs`          | puts a fault in force: `{id, hits, kind, …}`      |
| GET /faults         |                                          | the faults in force                               |
| DELETE /faults/{id} |                                          | ends one; it with its hits                        |
| DELETE /faults      |                                          | ends all; hits by kind                            |
| GET /hits           |                                          | hits by kind, of faults that have ended too       |
| POST /reorg         | `{slots, requeue}`                       | at the next slot; `{takenBack: [signature]}`      |
| POST /whale         | `{pool, mint_in, amount?}`               | sends a swap; `{signature, amount}`               |
| POST /pools         | `{pool, swaps: "enabled" or "disabled"}` | at the next slot; `{slot}`                        |
| POST /endpoints     | `{port?, ws_port?, lag_slots?}`          | `{port, wsPort, lagSlots}`                        |
| GET /endpoints      |                                          | all, the chain's own first                        |
| GET /ledger         |                                          | what landed, with its `meta`; `?signer=`          |
| GET /sends          |                                          | the fate of every send; `?signer=`, `?signature=` |
| GET /counters       |                                          | calls by method: `{total, endpoints: {port: …}}`  |
| DELETE /counters    |                                          | counts from 0 again                               |
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from solders.pubkey import Pubkey

from engine_app.localnet import whale
from engine_app.localnet.blocks import Landed
from engine_app.localnet.chain import Chain
from engine_app.localnet.endpoint import Endpoint
from engine_app.localnet.faults.active import ActiveFault
from engine_app.localnet.faults.specs import AnyFault, Fault
from engine_app.localnet.sends import Send

_FAULT: TypeAdapter[AnyFault] = TypeAdapter(Fault)
NewEndpoint = Callable[[int, int | None, int], Awaitable[Endpoint]]
"""Starts an endpoint with this port, websocket port and lag in slots."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EndpointBody(_Body):
    """A further endpoint of the same chain; port 0 is any free one."""

    port: int = 0
    ws_port: int | None = None
    lag_slots: int = Field(default=0, ge=0, le=400)


class ReorgBody(_Body):
    """A fork without the newest slots; what landed in them waits to land again if `requeue`."""

    slots: int = Field(ge=1, le=30)
    requeue: bool = False


class WhaleBody(_Body):
    """A swap of the chain's own; without an amount (base units) it empties the pool's other side."""

    pool: str
    mint_in: str
    amount: int | None = Field(default=None, gt=0, lt=2**64)


class PoolBody(_Body):
    """A pool whose program refuses swaps, or takes them again."""

    pool: str
    swaps: Literal["enabled", "disabled"]


class Admin:
    """Answers the admin port.

    Args:
        endpoints: of the chain, its own first; grows with those asked for here.
    """

    def __init__(self, chain: Chain, endpoints: list[Endpoint], new_endpoint: NewEndpoint) -> None:
        self._chain = chain
        self._endpoints = endpoints
        self._new_endpoint = new_endpoint

    def application(self) -> web.Application:
        """The HTTP application."""
        application = web.Application(middlewares=[_errors])
        application.add_routes(
            [
                web.get("/faults", self._list_faults),
                web.post("/faults", self._add_fault),
                web.delete("/faults", self._clear_faults),
                web.delete("/faults/{id}", self._remove_fault),
                web.get("/hits", self._hits),
                web.get("/counters", self._counters),
                web.delete("/counters", self._reset_counters),
                web.get("/sends", self._sends),
                web.get("/ledger", self._ledger),
                web.get("/endpoints", self._list_endpoints),
                web.post("/endpoints", self._add_endpoint),
                web.post("/reorg", self._reorg),
                web.post("/whale", self._whale),
                web.post("/pools", self._pools),
            ]
        )
        return application

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return _json([_fault_json(fault) for fault in self._chain.faults])

    async def _add_fault(self, request: web.Request) -> web.Response:
        spec = _FAULT.validate_json(await request.read())
        return _json(_fault_json(self._chain.faults.add(spec)))

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._chain.faults.clear()
        return _json(dict(self._chain.faults.hits))

    async def _remove_fault(self, request: web.Request) -> web.Response:
        fault = self._chain.faults.remove(int(request.match_info["id"]))
        if fault is None:
            raise web.HTTPNotFound
        return _json(_fault_json(fault))

    async def _hits(self, _request: web.Request) -> web.Response:
        return _json(dict(self._chain.faults.hits))

    async def _counters(self, _request: web.Request) -> web.Response:
        by_port = {str(endpoint.port): dict(endpoint.node.calls) for endpoint in self._endpoints}
        total: Counter[str] = Counter()
        for endpoint in self._endpoints:
            total.update(endpoint.node.calls)
        return _json({"total": dict(total), "endpoints": by_port})

    async def _reset_counters(self, _request: web.Request) -> web.Response:
        for endpoint in self._endpoints:
            endpoint.node.calls.clear()
        return _json({})

    async def _sends(self, request: web.Request) -> web.Response:
        signer, signature = request.query.get("signer"), request.query.get("signature")
        return _json(
            [
                _send_json(send)
                for send in self._chain.sends
                if (signer is None or signer in send.signers)
                and (signature is None or signature == str(send.signature))
            ]
        )

    async def _ledger(self, request: web.Request) -> web.Response:
        signer = request.query.get("signer")
        await self._chain.written()
        landed = self._chain.store.ledger(None if signer is None else Pubkey.from_string(signer))
        return _json([_landed_json(transaction) for transaction in landed])

    async def _list_endpoints(self, _request: web.Request) -> web.Response:
        return _json([_endpoint_json(endpoint) for endpoint in self._endpoints])

    async def _add_endpoint(self, request: web.Request) -> web.Response:
        body = EndpointBody.model_validate_json(await request.read())
        endpoint = await self._new_endpoint(body.port, body.ws_port, body.lag_slots)
        return _json(_endpoint_json(endpoint))

    async def _reorg(self, request: web.Request) -> web.Response:
        body = ReorgBody.model_validate_json(await request.read())
        taken = await self._chain.interventions.reorg(body.slots, requeue=body.requeue)
        self._chain.faults.hits["reorg"] += 1
        return _json({"takenBack": [str(signature) for signature in taken]})

    async def _whale(self, request: web.Request) -> web.Response:
        body = WhaleBody.model_validate_json(await request.read())
        bank = self._chain.bank
        address, mint_in = Pubkey.from_string(body.pool), Pubkey.from_string(body.mint_in)
        pool = whale.decode_pool(address, bank.newest(address))
        amount = body.amount or whale.draining_amount(pool, mint_in, bank.newest)
        transaction = whale.swap(self._chain.faucet, pool, mint_in, amount, self._chain.head.blockhash)
        self._chain.send(transaction, bytes(transaction))
        self._chain.faults.hits["whale"] += 1
        return _json({"signature": str(transaction.signatures[0]), "amount": str(amount)})

    async def _pools(self, request: web.Request) -> web.Response:
        body = PoolBody.model_validate_json(await request.read())
        address, enabled = Pubkey.from_string(body.pool), body.swaps == "enabled"
        whale.decode_pool(address, self._chain.bank.newest(address))
        slot = await self._chain.interventions.rewrite(
            address, lambda account: whale.with_swaps(account, enabled=enabled)
        )
        self._chain.faults.hits["pool_closed"] += not enabled
        return _json({"slot": slot})


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ValidationError as error:
        return _json({"error": error.errors(include_url=False, include_context=False)}, status=422)
    except (ValueError, KeyError) as error:
        return _json({"error": str(error)}, status=422)
    except OSError as error:
        return _json({"error": str(error)}, status=409)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json", status=status)


def _fault_json(fault: ActiveFault) -> dict[str, Any]:
    return {"id": fault.id, "hits": fault.hits, **fault.spec.model_dump(mode="json")}


def _send_json(send: Send) -> dict[str, Any]:
    return {
        "signature": str(send.signature),
        "signers": send.signers,
        "endpoints": send.endpoints,
        "fate": send.fate.value,
        "slot": send.slot,
        "error": send.error,
        "takenBack": send.taken_back,
    }


def _landed_json(landed: Landed) -> dict[str, Any]:
    return {
        "signature": str(landed.signature),
        "signers": landed.signers,
        "slot": landed.slot,
        "blockTime": landed.unix_time,
        "err": landed.error,
        "accountKeys": [str(key) for key in landed.accounts.keys],
        "meta": landed.meta,
    }


def _endpoint_json(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "port": endpoint.port,
        "wsPort": endpoint.ws_port,
        "lagSlots": endpoint.node.view.lag_slots,
    }

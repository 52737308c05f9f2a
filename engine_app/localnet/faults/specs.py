"""Every fault there is, as it is asked for on the admin port."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SIGNATURE_READS = (
    "getSignatureStatuses",
    "getTransaction",
    "getSignaturesForAddress",
    "signatureSubscribe",
)


class Spec(BaseModel):
    """What all faults share.

    Attributes:
        endpoint: port of the endpoint it applies to; None for all.
        signer: only transactions that this address signed, where the fault is about transactions.
        limit: hits after which it ends by itself.
        probability: chance that it applies when it could.
        seed: of its own chances.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: int | None = None
    signer: str | None = None
    limit: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, gt=0, le=1)
    seed: int = 0


class MethodSpec(Spec):
    """A fault of some methods only.

    Attributes:
        methods: names of JSON-RPC methods; None for all.
    """

    methods: tuple[str, ...] | None = None


class HttpStatus(MethodSpec):
    """An HTTP error in the place of an answer; the request does nothing.

    Attributes:
        retry_after: seconds, sent as `Retry-After`.
    """

    kind: Literal["http_status"] = "http_status"
    status: int = Field(ge=400, le=599)
    retry_after: int | None = Field(default=None, ge=0)


class Latency(MethodSpec):
    """An answer that takes its time."""

    kind: Literal["latency"] = "latency"
    milliseconds: int = Field(ge=1)


class LostResponse(MethodSpec):
    """The request is carried out and the connection cut before the answer."""

    kind: Literal["lost_response"] = "lost_response"
    methods: tuple[str, ...] | None = ("sendTransaction",)


class Down(Spec):
    """The endpoint cuts every connection, over HTTP and websocket."""

    kind: Literal["down"] = "down"


class Silent(Spec):
    """Websocket notifications that never come, while the connection looks well."""

    kind: Literal["silent"] = "silent"


class DroppedSend(Spec):
    """A send that is answered with its signature and then forgotten."""

    kind: Literal["dropped_send"] = "dropped_send"


class LateSend(Spec):
    """A send that lands later than in the next block.

    Attributes:
        blocks: how many blocks later; None for in the last block its blockhash is good for.
    """

    kind: Literal["late_send"] = "late_send"
    blocks: int | None = Field(default=None, ge=1)


class RefusedBlockhash(Spec):
    """An endpoint that does not know a send's blockhash, also in a simulation."""

    kind: Literal["refused_blockhash"] = "refused_blockhash"


class FailedTransaction(Spec):
    """A transaction that lands with an error and pays its fee.

    Attributes:
        error: as `err` fields carry it.
    """

    kind: Literal["failed_transaction"] = "failed_transaction"
    error: str | dict[str, Any] = Field(default_factory=lambda: {"InstructionError": [0, {"Custom": 6005}]})


class FailedSimulation(Spec):
    """An endpoint on whose state a transaction fails, while it could still land elsewhere.

    Attributes:
        error: as `err` fields carry it.
    """

    kind: Literal["failed_simulation"] = "failed_simulation"
    error: str | dict[str, Any] = Field(default_factory=lambda: {"InstructionError": [0, {"Custom": 6005}]})


class Stale(Spec):
    """An endpoint that lags behind the chain; it still takes sends.

    Attributes:
        slots: how far behind.
    """

    kind: Literal["stale"] = "stale"
    slots: int = Field(ge=1, le=400)


class HiddenStatus(MethodSpec):
    """A landed transaction that an endpoint does not show."""

    kind: Literal["hidden_status"] = "hidden_status"
    methods: tuple[str, ...] | None = SIGNATURE_READS


class PrunedHistory(Spec):
    """An endpoint whose ledger reaches back only so far.

    Attributes:
        kept_slots: slots below the head that it still has.
    """

    kind: Literal["pruned_history"] = "pruned_history"
    kept_slots: int = Field(ge=0)


class StalledSlots(Spec):
    """A chain that makes no blocks; each slot withheld is a hit."""

    kind: Literal["stalled_slots"] = "stalled_slots"


AnyFault = (
    HttpStatus
    | Latency
    | LostResponse
    | Down
    | Silent
    | DroppedSend
    | LateSend
    | RefusedBlockhash
    | FailedTransaction
    | FailedSimulation
    | Stale
    | HiddenStatus
    | PrunedHistory
    | StalledSlots
)
Fault = Annotated[AnyFault, Field(discriminator="kind")]

"""How the signer refuses."""

from __future__ import annotations

from engine_app.errors import EngineError, register


class SignatureRefused(EngineError):
    """The message does more or other than the order asks for, so nothing was signed."""

    code = register(
        "SIGNATURE_REFUSED",
        "The signer refused a transaction that does not match the order.",
        "Nothing was signed or sent, the balance is untouched.",
        "Tell the operator: this is a fault of the engine.",
    )

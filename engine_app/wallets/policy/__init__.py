"""What the signer lets pass: every instruction of a message is read, and what the order does not ask for is refused.

Each instruction is compared, data and accounts, with the one it must be. The policy knows plain values, never an
order: an allowance says what one attempt may do, one module per kind of order.
"""

from engine_app.wallets.policy.message import Allowance, require_allowed
from engine_app.wallets.policy.swap import SwapAllowance, SwapLeg
from engine_app.wallets.policy.transfer import TransferAllowance

__all__ = ["Allowance", "SwapAllowance", "SwapLeg", "TransferAllowance", "require_allowed"]

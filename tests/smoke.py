"""One account, one swap, over REST, on an engine that runs elsewhere: `python -m tests.smoke http://localhost:8000`."""

from __future__ import annotations

import sys

from tests.trading import bot


def main(base_url: str) -> None:
    """Trade once; raises AssertionError where the order does not confirm."""
    with bot(base_url) as trader:
        order = trader.wait(trader.place())
        assert order["status"] == "confirmed", order
        sys.stdout.write(f"{order['orderId']} is confirmed: {order['amountOut']} {order['tokenOut']}\n")


if __name__ == "__main__":
    main(sys.argv[1])

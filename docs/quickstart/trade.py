"""Make an account, get test funds, swap 1.5 SOL for USDC, and watch every step of it over Socket.IO.

Needs: pip install httpx "python-socketio[asyncio_client]"
"""

import asyncio
import sys
import uuid

import httpx
import socketio

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000"


async def main() -> None:
    """Trade once."""
    async with httpx.AsyncClient(base_url=BASE, timeout=90) as http:
        account = {"username": f"python-{uuid.uuid4().hex[:12]}", "password": "correct horse battery", "mode": "create"}
        answer = (await http.post("/api/auth", json=account)).raise_for_status()
        token = answer.json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        (await http.post("/api/wallet/airdrop")).raise_for_status()

        socket, done = socketio.AsyncClient(), asyncio.Event()
        seen: dict[str, int] = {}  # the last seq of each order under way, to go on from after a lost connection

        @socket.on("order:update")
        async def update(order: dict) -> None:
            seen[order["orderId"]] = order["seq"]
            if order["finalizedAt"] or order["status"] == "failed":  # It has ended for good.
                del seen[order["orderId"]]
            print(order["seq"], order["status"], (order["waitingFor"] or {}).get("reason", ""))
            if order["status"] in ("confirmed", "failed"):
                print(order["orderId"], order["status"], order["executionPrice"], order["txHash"])
                done.set()

        @socket.event
        async def connect() -> None:
            """The first time, and again after every lost connection: nothing is missed in between."""
            for wish in [{"after": seen}, {}] if seen else [{}]:
                ack = await socket.call("subscribe", wish)
                if not ack["ok"]:
                    raise RuntimeError(ack["error"])

        await socket.connect(BASE, auth={"token": token}, transports=["websocket"])
        # The same Idempotency-Key and body give the same order: after a timeout this may safely be sent again.
        order = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1.5", "slippage": "0.01"}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        (await http.post("/api/orders/execute", json=order, headers=headers)).raise_for_status()
        await asyncio.wait_for(done.wait(), 60)
        await socket.disconnect()


asyncio.run(main())

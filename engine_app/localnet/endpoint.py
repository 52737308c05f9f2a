"""One RPC endpoint: HTTP with websocket upgrade on one port, and websocket alone on another."""

import contextlib
import errno
import logging

from aiohttp import web

from engine_app.localnet.faults.http import cut
from engine_app.localnet.faults.specs import Down
from engine_app.localnet.rpc.http import answer_http
from engine_app.localnet.rpc.node import Node
from engine_app.localnet.rpc.subscriptions import Hub
from engine_app.localnet.rpc.websocket import answer_websocket
from engine_app.localnet.view import View

logger = logging.getLogger(__name__)

_SHUTDOWN_SECONDS = 0.5


class Endpoint:
    """Serves a view of the chain.

    Args:
        port: HTTP port, 0 for any free one.
        ws_port: websocket port; None for the one after `port`, as a validator has it.
    """

    def __init__(self, view: View, *, host: str, port: int, ws_port: int | None) -> None:
        self._host = host
        self._wanted_port = port
        self._wanted_ws_port = ws_port
        self.node = Node(view)
        self.hub = Hub(self.node)
        self.node.on_received = self.hub.received
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=_SHUTDOWN_SECONDS)
        self._stop_listening = view.chain.on_block(self.hub.on_block)
        self.port = 0
        self.ws_port = 0

    async def start(self) -> None:
        """Listen; `port` and `ws_port` are known afterwards.

        Raises:
            OSError: a port is taken.
        """
        await self._runner.setup()
        self.port = self.node.view.port = await self._listen(self._wanted_port)
        if self._wanted_ws_port is not None:
            self.ws_port = await self._listen(self._wanted_ws_port)
            return
        try:
            self.ws_port = await self._listen(self.port + 1)
        except OSError as error:
            if self._wanted_port or error.errno != errno.EADDRINUSE:
                raise
            self.ws_port = await self._listen(0)

    async def _listen(self, port: int) -> int:
        site = web.TCPSite(self._runner, self._host, port)
        await site.start()
        return int(self._runner.addresses[-1][1])

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            if self.node.fault(Down) is not None:
                return cut(request)
            return await answer_websocket(self.hub, request)
        return await answer_http(self.node, request)

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        self._stop_listening()
        with contextlib.suppress(ConnectionError):
            await self._runner.cleanup()

"""Whether a server answers on this machine, and is the process that was meant."""

from __future__ import annotations

import asyncio
import http.client
import json
from urllib.parse import urlsplit

import psutil


def listens(pid: int, port: int) -> bool:
    """Whether this process, or one it started, listens on the port."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            for member in family
            for connection in member.net_connections(kind="tcp")
        )
    except psutil.Error:
        return False


def fetch(url: str, body: object = None) -> tuple[int, bytes] | None:
    """Status and content of one request to this machine (POST of JSON with a body, else GET); None: no answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=2)
    try:
        if body is None:
            connection.request("GET", parts.path or "/")
        else:
            connection.request("POST", parts.path or "/", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


async def web_is_ready(pid: int, origin: str) -> bool:
    """Whether this process serves the engine's API at `http://host:port`."""
    answer = await asyncio.to_thread(fetch, f"{origin}/api/health")
    return answer is not None and answer[0] == 200 and listens(pid, urlsplit(origin).port or 80)


async def chain_is_ready(pid: int, rpc_url: str) -> bool:
    """Whether this process serves a healthy chain at the URL."""
    request = {"jsonrpc": "2.0", "id": 1, "method": "getHealth"}
    answer = await asyncio.to_thread(fetch, rpc_url, request)
    if answer is None or answer[0] != 200:
        return False
    return json.loads(answer[1]).get("result") == "ok" and listens(pid, urlsplit(rpc_url).port or 80)

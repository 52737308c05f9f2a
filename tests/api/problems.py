"""Reading problem documents."""

from __future__ import annotations

import httpx


def assert_problem(answer: httpx.Response, status: int, code: str) -> str:
    """Check that an answer is the problem document of a code, and give its detail."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert set(document) == {"type", "title", "status", "detail", "code"}
    assert (document["status"], document["code"]) == (status, code), document
    assert document["type"].endswith(code)
    assert document["title"]
    assert document["detail"]
    return str(document["detail"])

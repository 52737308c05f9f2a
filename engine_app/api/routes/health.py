"""Liveness and readiness."""

from __future__ import annotations

from fastapi import APIRouter

from engine_app.api.auth import Services
from engine_app.api.exact import ExactResponse
from engine_app.api.schemas import CheckResponse, HealthResponse, ReadyResponse
from engine_app.readiness import State, overall

router = APIRouter(tags=["health"])


@router.get("/api/health", summary="Whether the web process answers", response_model=HealthResponse)
async def health() -> ExactResponse:
    """Public and cheap: asks nobody else."""
    return ExactResponse(HealthResponse())


@router.get(
    "/api/ready",
    summary="Whether the engine can do its work",
    response_model=ReadyResponse,
    responses={503: {"description": "Down: no order can be accepted", "model": ReadyResponse}},
)
async def ready(services: Services) -> ExactResponse:
    """Public; asks Postgres, Redis, a Solana node, and Postgres once more for signs of life of the workers and for the
    oldest order that is due, at most once a second. `degraded` answers 200: orders are accepted, but something is not
    as it should be; the checks say what. Only `down` answers 503."""
    checks = await services.readiness.checks()
    state = overall(checks)
    answer = ReadyResponse(
        status=state,
        checks={
            name: CheckResponse(status=check.state, latency_ms=check.latency_ms, detail=check.detail)
            for name, check in checks.items()
        },
    )
    return ExactResponse(answer, status_code=503 if state is State.DOWN else 200)

"""Liveness."""

from __future__ import annotations

from fastapi import APIRouter

from engine_app.api.exact import ExactResponse
from engine_app.api.schemas import HealthResponse

router = APIRouter(tags=["health"])


@router.get("/api/health", summary="Whether the web process answers", response_model=HealthResponse)
async def health() -> ExactResponse:
    """Public and cheap: asks nobody else."""
    return ExactResponse(HealthResponse())

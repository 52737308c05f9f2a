"""What an operator does with a running engine."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

import typer

from engine_app.cli.program import app, tell
from engine_app.settings import Settings, load

OPERATING = "Operate"


@app.command(rich_help_panel=OPERATING)
def reconcile(
    explain: Annotated[
        tuple[str, str, str] | None,
        typer.Option(help="Explain an unknown transaction: its wallet's address, its signature, what it was."),
    ] = None,
) -> None:
    """Compare every order and every wallet with the chain; exits with 1 where they differ.

    A wallet that has signed a transaction which no attempt knows takes no new orders until it is explained.
    """
    from engine_app import operations
    from engine_app.embedded.endpoints import running_endpoints

    settings = load(Settings)
    endpoints = running_endpoints(settings, settings.data_dir.resolve())
    if explain is not None:
        asyncio.run(operations.explain(endpoints.database_url, *explain))
    rpc_urls = endpoints.solana_rpc_url.split(",")
    differences = asyncio.run(operations.reconcile(settings.solana_cluster, endpoints.database_url, rpc_urls))
    for difference in differences:
        typer.echo(f"{difference.subject}  {difference.signature}  {difference.found}")
    tell(f"{len(differences)} differences.")
    if differences:
        raise typer.Exit(1)


@app.command(rich_help_panel=OPERATING)
def outcome(
    order_id: Annotated[UUID, typer.Argument(help="An order that waits with OUTCOME_UNKNOWN.")],
    note: Annotated[str, typer.Option(help="What was looked at, and where.")],
    operator: Annotated[str, typer.Option(help="Who decides.")],
) -> None:
    """Record that an order's transaction never landed, where no endpoint can prove it any more, and fail the order."""
    from engine_app import operations
    from engine_app.embedded.endpoints import database_url

    settings = load(Settings)
    url = database_url(settings, settings.data_dir.resolve())
    asyncio.run(operations.declare_expired(url, order_id, operator=operator, note=note))
    tell(f"Order {order_id} has failed; its evidence is in the attempt's row.")

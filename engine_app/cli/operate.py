"""What an operator does with a running engine."""

from __future__ import annotations

import asyncio
from datetime import timedelta
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

    asyncio.run(operations.declare_expired(_database_url(), order_id, operator=operator, note=note))
    tell(f"Order {order_id} has failed; its evidence is in the attempt's row.")


@app.command(rich_help_panel=OPERATING)
def stuck(
    minutes: Annotated[float, typer.Option(help="Under way for longer than this.")] = 2.0,
) -> None:
    """List the orders that should have moved on, the oldest first; exits with 1 where there are any."""
    from engine_app import operations
    from engine_app.cli.reports import stuck_line

    found = asyncio.run(operations.stuck(_database_url(), timedelta(minutes=minutes)))
    for order in found:
        typer.echo(stuck_line(order))
    tell(f"{len(found)} orders are stuck.")
    if found:
        raise typer.Exit(1)


@app.command(rich_help_panel=OPERATING)
def story(order_id: Annotated[UUID, typer.Argument(help="An order of anybody's.")]) -> None:
    """Tell everything the database knows of one order: events, tries with their evidence, reservations, lease."""
    from engine_app import operations
    from engine_app.cli.reports import story_lines

    for line in story_lines(asyncio.run(operations.story(_database_url(), order_id))):
        typer.echo(line)


@app.command(rich_help_panel=OPERATING)
def redrive(
    order_id: Annotated[UUID, typer.Argument(help="An order that is under way.")],
    operator: Annotated[str, typer.Option(help="Who says so.")],
) -> None:
    """Have a worker take an order up anew from where it stands; whoever holds it now loses it."""
    from engine_app import operations

    asyncio.run(operations.redrive(_database_url(), order_id, operator=operator))
    tell(f"Order {order_id} is free; a worker takes it up within a second.")


@app.command(rich_help_panel=OPERATING)
def pause(why: Annotated[str, typer.Option(help="Told to whoever wants to place an order.")]) -> None:
    """Take no new orders, on any web process; open orders go on."""
    from engine_app import operations

    asyncio.run(operations.pause_intake(_database_url(), why))
    tell("No new orders are taken; open orders go on. `resume` ends it.")


@app.command(rich_help_panel=OPERATING)
def resume() -> None:
    """Take new orders again."""
    from engine_app import operations

    asyncio.run(operations.pause_intake(_database_url(), None))
    tell("New orders are taken again.")


@app.command(rich_help_panel=OPERATING)
def call_off(operator: Annotated[str, typer.Option(help="Who says so.")]) -> None:
    """Sign nothing more for any open order, as if each user had cancelled his; what is on its way goes on. For a
    database that was restored: what it takes for unsigned may have been executed since the backup."""
    from engine_app import operations

    called_off = asyncio.run(operations.call_off(_database_url(), operator=operator))
    tell(f"Nothing more is signed for {called_off} open orders.")


@app.command(rich_help_panel=OPERATING)
def rotate() -> None:
    """Have another JWT secret sign sessions; those that are open hold until they end."""
    from engine_app.embedded.secrets import new_jwt_secret, rotate_jwt_secret

    settings = load(Settings)
    if settings.jwt_secret is None:
        rotate_jwt_secret(settings.data_dir.resolve())
        tell("A new secret signs from the next start of web on; the last one's sessions hold until they end.")
        return
    typer.echo(new_jwt_secret())
    tell(
        "JWT_SECRET is set, so the rotation is yours, each step on every web process before the next one: "
        "1. add the secret above to JWT_ACCEPTED_SECRETS; 2. make it JWT_SECRET, and the last one the accepted one; "
        f"3. after {settings.session_hours} hours take the last one out."
    )


@app.command(rich_help_panel=OPERATING)
def health(
    url: Annotated[str | None, typer.Argument(help="What is to answer 200; PUBLIC_URL's or web's own health.")] = None,
) -> None:
    """Ask whether a process answers; exits with 1 where it does not. For health checks in places without curl."""
    import httpx

    settings = load(Settings)
    asked = url or f"{settings.public_url or f'http://127.0.0.1:{settings.port}'}/api/health"
    try:
        answer = httpx.get(asked, timeout=5.0)
    except httpx.HTTPError as error:
        tell(f"{asked}: {type(error).__name__}")
        raise typer.Exit(1) from None
    if answer.status_code != httpx.codes.OK:
        tell(f"{asked}: {answer.status_code}")
        raise typer.Exit(1)


@app.command(rich_help_panel=OPERATING)
def reset_password(name: Annotated[str, typer.Argument(help="The account's username.")]) -> None:
    """Give an account another password, asked for here; ends its sessions and revokes its API keys."""
    from engine_app import operations

    settings = load(Settings)
    password = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    done = asyncio.run(operations.reset_password(_database_url(), name, password, settings))
    if done is None:
        tell(f"There is no account {name!r}.")
        raise typer.Exit(1)
    tell(f"The password is changed; {done.sessions} sessions ended, {done.keys} API keys revoked.")


def _database_url() -> str:
    from engine_app.embedded.endpoints import database_url

    settings = load(Settings)
    return database_url(settings, settings.data_dir.resolve())

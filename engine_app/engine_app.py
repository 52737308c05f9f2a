"""The application put together: pages, API, lifespan."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import reflex as rx
from reflex.utils.prerequisites import get_web_dir
from starlette.types import ASGIApp

from engine_app import garbage
from engine_app.accounts.client_ip import behind_proxies
from engine_app.accounts.tokens import session_tokens
from engine_app.api import docs, headers
from engine_app.api.app import create_api
from engine_app.services import running
from engine_app.settings import settings
from engine_app.telemetry import logging, metrics_files, tracing
from engine_app.ui import kept_tokens, redirects, session_routes, site, socket_limit
from engine_app.ui.cookies import is_secure


@asynccontextmanager
async def serving() -> AsyncIterator[None]:
    """What runs as long as the web process serves."""
    chosen = settings()
    logging.configure(level=chosen.log_level, json_lines=chosen.strict, process="web")
    tracing.configure(chosen.otel_exporter_otlp_endpoint, "web")
    if chosen.metrics_port is not None:
        metrics_files.serve(chosen.metrics_host, chosen.metrics_port)
    async with running():
        counting = asyncio.create_task(site.count_sockets(app))
        garbage.spare_what_is_there()
        yield
        counting.cancel()
    tracing.close()


api = create_api()
api.include_router(session_routes.router)


def under_strict_headers(served: ASGIApp) -> ASGIApp:
    """The app, whose pages may run their own scripts alone."""
    pages = [*headers.exported_pages(get_web_dir() / "build" / "client"), docs.html(api)]
    return headers.strict_headers(served, pages=pages, secure=is_secure(settings()))


def without_tokens_in_states(served: ASGIApp) -> ASGIApp:
    """The app, whose tabs' states hold no session's token."""
    chosen = settings()
    tokens = session_tokens(chosen.jwt_secrets, hours=chosen.session_hours)
    return kept_tokens.without_cookies(served, chosen, tokens)


def behind_trusted_proxies(served: ASGIApp) -> ASGIApp:
    """The app, which sees clients as the trusted proxies tell them."""
    return behind_proxies(served, settings().trusted_proxies)


app = rx.App(
    stylesheets=site.STYLE_SHEETS,
    head_components=site.head(),
    html_lang="en",
    toaster=rx.toast.provider(rich_colors=False, position="bottom-right"),
    backend_exception_handler=site.tell_of_error,
    api_transformer=[
        api,
        redirects.order_pages,
        redirects.strangers_to_login,
        without_tokens_in_states,
        socket_limit.few_sockets_per_address,
        under_strict_headers,
        behind_trusted_proxies,
    ],
)
site.furnish(app)
app.register_lifespan_task(serving)

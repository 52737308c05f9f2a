"""The API's document to read and try: Swagger UI, served from here, because a browser may reach nothing else."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

DOCS = "/api/docs"
ASSETS = f"{DOCS}/assets"


def html(api: FastAPI) -> str:
    """The page of the API's document."""
    page = get_swagger_ui_html(
        openapi_url=api.openapi_url or "",
        title=api.title,
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url="/favicon.svg",
        swagger_ui_parameters={"validatorUrl": None},
    )
    return bytes(page.body).decode()


def install(api: FastAPI) -> None:
    """Serve Swagger UI at `/api/docs`, with the files that the package fastapi-offline brings along."""

    async def docs() -> HTMLResponse:
        return HTMLResponse(html(api))

    api.add_api_route(DOCS, docs, include_in_schema=False)
    api.mount(ASSETS, StaticFiles(packages=[("fastapi_offline", "static")]))

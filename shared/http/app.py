"""The FastAPI app of one service: its routes, refusals, health, a span and a duration per request."""

import time
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from shared import metrics, telemetry
from shared.db.database import Database
from shared.http.feed import feed
from shared.http.people import Tokens
from shared.http.problems import answer_for, install
from shared.service import Service

Parts = Callable[[], dict[str, bool]]


def build_app(service: Service, database: Database, ready: Parts, alive: Parts) -> FastAPI:
    """The app with everything a route expects in `app.state`: database, tokens, language."""
    app = FastAPI(
        title=f"ctta {service.name}",
        version="1",
        openapi_url=f"/{service.name}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    center = database.center
    app.state.database, app.state.tokens, app.state.lang = database, Tokens(center), center.settings.lang
    install(app)
    for router in service.routers:
        app.include_router(router)
    app.include_router(feed(service.name))

    @app.get(f"/{service.name}/live", include_in_schema=False)
    async def live() -> JSONResponse:
        return _health(alive())

    @app.get(f"/{service.name}/ready", include_in_schema=False)
    async def is_ready() -> JSONResponse:
        return _health(ready())

    @app.middleware("http")
    async def traced(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        began = time.perf_counter()
        with telemetry.request(
            service.name, request.method, request.url.path, request.headers.get("traceparent")
        ) as span:
            try:
                response = await call(request)
            except Exception as error:
                response = answer_for(request, error)
            route = request.scope.get("route")
            path = getattr(route, "path", request.url.path)
            span.update_name(f"{request.method} {path}")
            span.set_attribute("http.route", path)
            span.set_attribute("http.response.status_code", response.status_code)
            metrics.took(
                "http.server.request.duration", time.perf_counter() - began,
                service=service.name, method=request.method, route=path if route else "-",
                status=str(response.status_code),
            )  # fmt: skip
            return response

    return app


def _health(parts: dict[str, bool]) -> JSONResponse:
    good = all(parts.values())
    return JSONResponse({"status": "ok" if good else "waiting", "parts": parts}, 200 if good else 503)

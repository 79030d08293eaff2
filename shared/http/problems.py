"""Problem details (RFC 9457): the rule's name in English, the sentence in the reader's language."""

from typing import Any, Final

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from shared import metrics, telemetry
from shared.errors import NotYet, Refused
from shared.transient import is_transient

MEDIA: Final = "application/problem+json"
TYPE: Final = "urn:ctta:rule:"
log = telemetry.logger(__name__)

GENERAL: Final = {
    "invalid-request": ("The request does not fit the schema; see `errors`.", "请求不符合格式要求，详见 errors。"),
    "try-again": (
        "A server this center depends on is away or busy. Nothing was changed; try again, same Idempotency-Key.",
        "本中心依赖的服务器暂时不可用或繁忙。未作任何更改，请使用相同的 Idempotency-Key 重试。",
    ),
    "invalid-value": ("A value in the request can't be stored: {what}.", "请求中有无法保存的值：{what}。"),
    "not-yet": ("Something this depends on is still on its way: {what}.", "所依赖的内容尚未到达：{what}。"),
    "bug": (
        "This is a fault of the software. Nothing was changed. Tell the operator the trace id.",
        "软件出现错误，未作任何更改。请将 trace id 告知运维人员。",
    ),
    "http": ("{what}", "{what}"),
}


def lang(request: Request) -> str:
    """ "zh" or "en", by Accept-Language and its weights, else by the center's setting."""
    default = request.app.state.lang if hasattr(request.app.state, "lang") else "en"
    best, weight = default, 0.0
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, parameter = part.strip().partition(";")
        name = tag[:2].lower()
        try:
            quality = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if name in ("zh", "en") and quality > weight:
            best, weight = name, quality
    return best


def problem(status: int, rule: str, detail: str, **more: Any) -> JSONResponse:
    """A problem details answer."""
    trace_id = telemetry.current_context()[0][3:35]
    body = {"type": TYPE + rule, "title": rule, "status": status, "detail": detail}
    if trace_id:
        body["trace_id"] = trace_id
    return JSONResponse(body | more, status, media_type=MEDIA)


def general(request: Request, status: int, rule: str, what: str = "", **more: Any) -> JSONResponse:
    """A problem whose sentence is common to all services."""
    en, zh = GENERAL[rule]
    return problem(status, rule, (zh if lang(request) == "zh" else en).format(what=what), **more)


def answer_for(request: Request, error: Exception) -> JSONResponse:
    """The answer to whatever a route raised."""
    if isinstance(error, Refused):
        facts = {name: value for name, value in error.facts.items() if isinstance(value, str | int | float | bool)}
        return problem(error.status, error.rule, error.say(lang(request)), **({"facts": facts} if facts else {}))
    if isinstance(error, RequestValidationError):
        errors = [{"where": list(e["loc"]), "what": e["msg"], "rule": e["type"]} for e in error.errors()]
        return general(request, 422, "invalid-request", errors=errors)
    if isinstance(error, NotYet):
        return general(request, 409, "not-yet", error.waits_for)
    if isinstance(error, HTTPException):
        answer = general(request, error.status_code, "http", str(error.detail))
        answer.headers.update(error.headers or {})
        return answer
    if isinstance(error, DBAPIError) and str(getattr(error.orig, "sqlstate", "")).startswith("22"):
        return general(request, 422, "invalid-value", str(error.orig).rsplit(":", 1)[-1].strip())
    if isinstance(error, asyncpg.DataError):
        return general(request, 422, "invalid-value", str(error))
    if is_transient(error):
        log.warning("request.retry", path=request.url.path, error=repr(error)[:300])
        answer = general(request, 503, "try-again")
        answer.headers["Retry-After"] = "1"
        return answer
    log.error("request.bug", path=request.url.path, error=repr(error)[:500])
    metrics.count("ctta.requests.bugs")
    return general(request, 500, "bug")


def install(app: FastAPI) -> None:
    """Every refusal of the app becomes problem details."""

    async def handle(request: Request, error: Exception) -> JSONResponse:
        return answer_for(request, error)

    for kind in (Refused, NotYet, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, handle)

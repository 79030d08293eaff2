"""The door of an HTTP request: one transaction, committed before the answer leaves, and idempotent answers."""

from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from shared.db.database import Database, Session, driver, has_written
from shared.errors import Refused, RefusedAfterWriting
from shared.http.people import person
from shared.http.problems import answer_for

KEY_MAX: Final = 200


class KeyRequired(Refused):
    """What moves something must be repeatable without moving it twice."""

    rule = "idempotency-key-required"
    status = 400
    en = "Send an Idempotency-Key: this request moves something, and a repeat must not move it twice."
    zh = "请提供 Idempotency-Key：此请求会产生变动，重复提交不得重复变动。"


class KeyReused(Refused):
    """The same key with another request."""

    rule = "idempotency-key-reused"
    status = 409
    en = "This Idempotency-Key was used for another request: use a new one."
    zh = "该 Idempotency-Key 已用于其他请求，请换用新的值。"


class KeyTooLong(Refused):
    """A key beyond KEY_MAX characters."""

    rule = "idempotency-key-too-long"
    status = 400
    en = "An Idempotency-Key has at most {limit} characters."
    zh = "Idempotency-Key 最多 {limit} 个字符。"


class DoorRoute(APIRoute):
    """A route inside one transaction: the handler gets it as `Tx`, and nobody else commits."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def door(request: Request) -> Response:
            database: Database = request.app.state.database
            key = request.headers.get("idempotency-key")
            if request.method != "POST" or not key:
                async with database.transaction() as session:
                    request.state.session = session
                    return await inner(request)
            return await _once(database, request, key, inner)

        return door


async def _once(
    database: Database, request: Request, key: str, inner: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    """Answer a request once per (person, key); a repeat gets the stored answer, a refusal included."""
    if len(key) > KEY_MAX:
        raise KeyTooLong(limit=KEY_MAX)
    who = person(request).id
    digest = sha256(
        f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()
    ).hexdigest()
    async with database.transaction() as session:
        request.state.session = session
        connection = await driver(session)
        taken = await connection.fetchval(
            "INSERT INTO idempotency (person, key, request_sha256) VALUES ($1, $2, $3)"
            " ON CONFLICT DO NOTHING RETURNING 1",
            who, key, digest,
        )  # fmt: skip
        if not taken:
            return await _again(connection, who, key, digest)
        try:
            response = await inner(request)
        except (Refused, RequestValidationError) as refusal:
            if has_written(session):
                raise RefusedAfterWriting(f"{request.url.path} wrote before {refusal!r}") from refusal
            response = answer_for(request, refusal)
        body = bytes(response.body)
        headers = {k: v for k, v in response.headers.items() if k in ("etag", "location", "content-type")}
        await connection.execute(
            "UPDATE idempotency SET status = $3, headers = $4, body = $5 WHERE person = $1 AND key = $2",
            who, key, response.status_code, orjson.dumps(headers).decode(), body,
        )  # fmt: skip
        return response


async def _again(connection: Any, who: str, key: str, digest: str) -> Response:
    row = await connection.fetchrow("SELECT * FROM idempotency WHERE person = $1 AND key = $2", who, key)
    if row["request_sha256"] != digest:
        raise KeyReused()
    headers = orjson.loads(row["headers"]) | {"Idempotent-Replay": "true"}
    return Response(row["body"], row["status"], headers)


class Router(APIRouter):
    """An APIRouter whose every route runs in one transaction."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=DoorRoute, **options)


def _session(request: Request) -> Session:
    session: Session = request.state.session
    return session


Tx = Annotated[Session, Depends(_session)]


def _moves(request: Request) -> None:
    if not request.headers.get("idempotency-key"):
        raise KeyRequired()


Moves: Any = Depends(_moves)

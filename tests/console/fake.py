"""A center whose services answer from a small market in memory, with the real page, tokens and problem details.

`ctta up` brings the real thing; this is for looking at one state of the page for as long as one likes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Header, Query, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ctta.tokens import issue
from services.console.app import pages
from shared.center import Center
from shared.errors import NotFound
from shared.http.people import Caller, Tokens, require
from shared.http.problems import install
from shared.settings import Settings
from shared.traces.model import Span
from shared.trust import KNOWN_CENTERS, create_development_alliance, load_directory, load_keyring
from tests.console.market import HERE, Market, market

CENTERS = ("beijing", "south", "east")
SERVICES = ("listing", "matching", "escrow", "notify")


@dataclass
class Runs:
    """One running service, as far as the page looks at it."""

    center: Center


@dataclass
class FakeProcess:
    """A center's process with the page, and services that answer from memory. `streams` off: as behind an old proxy."""

    home: Path
    market: Market = field(default_factory=market)
    streams: bool = True
    stopping: bool = False

    def __post_init__(self) -> None:
        trust = self.home / "trust"
        create_development_alliance(trust, {name: KNOWN_CENTERS[name] for name in CENTERS})
        self.settings = Settings(center=HERE, home=self.home, trust_dir=trust)
        self.running: Sequence[Runs] = [
            Runs(Center(HERE, "listing", self.settings, load_keyring(trust, HERE, "listing")))
        ]
        self.live: Callable[[], Any] = lambda: load_directory(trust)
        write_spans(self.settings.traces, self.market.spans)
        self.services = services(self)
        self.pages = pages(self)

    def token(self, *roles: str) -> str:
        """A token of an officer, or of somebody with these roles."""
        return issue(self.settings.trust, HERE, subject="zhou.min", name="Zhou Min", roles=list(roles) or ["officer"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = scope.get("path", "/").strip("/").split("/", 1)[0]
        app = self.services if first in SERVICES else self.pages
        await app(scope, receive, send)


def services(process: FakeProcess) -> FastAPI:
    """The routes that the page asks, in the shapes of the real ones."""
    app = FastAPI(openapi_url=None)
    app.state.tokens, app.state.lang, told = Tokens(process.running[0].center), "en", process.market
    install(app)

    @app.get("/listing/catalogue")
    async def catalogue(
        who: Caller, kind: str = "", center: str = "", text: str = "", after: int = 0, limit: int = 50
    ) -> Any:
        found = [
            one for one in reversed(told.listings.values()) if kind in ("", one.kind) and center in ("", one.center)
        ]
        found = [one for one in found if text.lower() in one.model_dump_json().lower()]
        return page(found[after : after + limit], str(after + limit) if len(found) > after + limit else None)

    @app.get("/listing/catalogue/{id}")
    async def one_listing(who: Caller, id: str) -> Any:
        return one(told.listings.values(), "listing_id", id, "listing")

    @app.get("/matching/matches")
    async def matches(who: Caller, listing_id: str = "", status: str = "open", sort: str = "score") -> Any:
        found = [
            one for one in told.matches if listing_id in ("", one.demand_id, one.offer_id) and one.status == status
        ]
        return page(found)

    @app.get("/matching/matches/{id}")
    async def one_match(who: Caller, id: str) -> Any:
        return one(told.matches, "match_id", id, "match")

    @app.get("/matching/interests")
    async def interests(who: Caller, listing_id: str = "") -> Any:
        return page([one for one in told.interests if listing_id in ("", one.demand_id, one.offer_id)])

    @app.get("/escrow/deals")
    async def deals(who: Caller) -> Any:
        return page(told.deals)

    @app.get("/escrow/deals/{id}")
    async def one_deal(who: Caller, id: str) -> Any:
        return one(told.deals, "id", id, "deal")

    @app.get("/escrow/ledger/accounts", dependencies=[require("officer", "operator", "auditor")])
    async def accounts(prefix: str = "") -> Any:
        return page([])

    @app.get("/notify/inbox")
    async def inbox(who: Caller) -> Any:
        return page(sorted(told.notices, key=lambda notice: (notice.read_at is not None, -notice.at.timestamp())))

    @app.post("/notify/inbox/{id}/read")
    async def read(who: Caller, id: str) -> Any:
        notice = one(told.notices, "id", id, "notice")
        told.notices[told.notices.index(notice)] = now = notice.model_copy(update={"read_at": told.clock})
        return now

    @app.get("/notify/stories/{id}")
    async def deal_story(who: Caller, id: str) -> Any:
        one(told.deals, "id", id, "deal")
        return [step for step in told.steps if step.conversation == id]

    add_story(app, process)
    return app


def add_story(app: FastAPI, process: FakeProcess) -> None:
    """`/notify/story` and `/notify/stream`."""
    told = process.market

    def behind(after: int, conversation: str) -> list[Any]:
        return [step for step in told.steps if int(step.cursor) > after and conversation in ("", step.conversation)]

    @app.get("/notify/story")
    async def story(
        who: Caller, after: int | None = None, conversation: str = "", limit: Annotated[int, Query()] = 50
    ) -> Any:
        steps = behind(after or 0, conversation)
        steps = steps[-limit:] if after is None else steps[:limit]
        return page(steps, steps[-1].cursor if steps else str(after or 0))

    @app.get("/notify/stream")
    async def stream(
        who: Caller, conversation: str = "", last_event_id: Annotated[int | None, Header()] = None
    ) -> Response:
        if not process.streams:
            return Response(status_code=404)
        start = len(told.steps) if last_event_id is None else last_event_id
        return StreamingResponse(lines(start, conversation), media_type="text/event-stream")

    async def lines(n: int, conversation: str) -> AsyncIterator[str]:
        yield f"retry: 1000\nid: {n}\n\n"
        while not process.stopping:
            for step in behind(n, conversation):
                n = int(step.cursor)
                yield f"id: {step.cursor}\nevent: step\ndata: {step.model_dump_json()}\n\n"
            await asyncio.sleep(0.05)


def page(items: Sequence[Any], next: str | None = None) -> dict[str, Any]:
    """As shared.http.Page."""
    return {"items": [item.model_dump(mode="json") for item in items], "next": next}


def one(items: Any, key: str, id: str, what: str) -> Any:
    """The one with this id. Raises NotFound."""
    found = next((item for item in items if getattr(item, key) == id), None)
    if found is None:
        raise NotFound(what=what, id=id)
    return found


def write_spans(folder: Path, spans: Sequence[Span]) -> None:
    """Spans as the file exporter leaves them: one OTLP request a line."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [orjson.dumps({"resourceSpans": [_resource(span)]}) for span in spans]
    (folder / "fake-all.jsonl").write_bytes(b"\n".join(lines) + b"\n")


def _resource(span: Span) -> dict[str, Any]:
    told = {
        "traceId": span.trace_id, "spanId": span.span_id, "parentSpanId": span.parent_id, "name": span.name,
        "kind": span.kind, "startTimeUnixNano": str(span.start_ns), "endTimeUnixNano": str(span.end_ns),
        "attributes": _attributes(span.attributes),
        "status": {"code": 2, "message": span.error} if span.error else {"code": 0},
    }  # fmt: skip
    where = {"service.name": span.service, "service.namespace": "ctta", "ctta.center": span.center}
    return {
        "resource": {"attributes": _attributes(where)},
        "scopeSpans": [{"scope": {"name": "ctta"}, "spans": [told]}],
    }


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": str(value)}} for key, value in values.items()]

"""The doors of the page: its files, which center this is, and the spans of a story. Nothing comes from elsewhere."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, FastAPI, Path, Request
from pydantic import BaseModel
from starlette.types import ASGIApp

from services.console import trace
from services.console.files import add_files
from shared.center import Center
from shared.http.people import Tokens, require
from shared.http.problems import install
from shared.schemas.base import Text
from shared.settings import Settings
from shared.trust import Directory

STAFF = require("technology_manager", "officer", "operator", "auditor")
"""Who may read traces: their spans name the ids of everybody's deals."""


Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,80}$", description="dea_..., lst_..., or 32 hex digits")]


class Runs(Protocol):
    """One service that the process runs."""

    @property
    def center(self) -> Center: ...


class Here(Protocol):
    """What the page needs of the process that serves it: shared.process.Process has it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def live(self) -> Callable[[], Directory]: ...
    @property
    def running(self) -> Sequence[Runs]: ...


class Member(BaseModel):
    """A center of the alliance."""

    id: str
    name: Text
    role: str


class CenterView(BaseModel):
    """The center that serves this page, and who is in the alliance."""

    id: str
    name: Text
    hubs: list[str]
    centers: list[Member]
    lang: str


def pages(process: Here) -> ASGIApp:
    """Everything of a process that no service serves."""
    app = FastAPI(title="ctta page", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.process, app.state.lang = process, process.settings.lang
    app.state.tokens = Tokens(process.running[0].center)
    install(app)
    app.include_router(router)
    add_files(app)
    return app


router = APIRouter()


@router.get("/center")
async def center(request: Request) -> CenterView:
    """Which center this is; anybody may ask."""
    process: Here = request.app.state.process
    directory = process.live()
    members = [
        Member(id=id, name=Text(zh=entry.name.zh, en=entry.name.en), role=entry.role)
        for id, entry in sorted(directory.centers.items())
    ]
    here = process.settings.center
    name = next((one.name for one in members if one.id == here), Text(zh=here, en=here.capitalize()))
    return CenterView(id=here, name=name, hubs=list(directory.hubs), centers=members, lang=process.settings.lang)


@router.get("/trace/{kind}/{id}", dependencies=[STAFF])
async def read_trace(request: Request, kind: trace.Kind, id: Id) -> dict[str, Any]:
    """The spans of a deal's or listing's story, or of one trace, in order of their start. Raises NotFound."""
    return await trace.tell(request.app.state.process.settings, kind, id)

"""The page's files: read once, sent with an ETag of their content, never older than the process that serves them."""

import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response

FOLDER: Final = Path(__file__).parent / "static"
FIRST: Final = "index.html"

HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'; require-trusted-types-for 'script'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Kept but asked for again (`no-cache`), so that an upgrade never mixes two versions of the page. Scripts and styles
are files of this origin, the page can't be framed, and a string never becomes markup."""

TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class File:
    """One file of the page."""

    body: bytes
    media: str
    etag: str


def read_files(folder: Path = FOLDER) -> dict[str, File]:
    """All files by their path below the folder."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> File:
    body = path.read_bytes()
    media = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(body, media, f'"{sha256(body).hexdigest()[:32]}"')


def add_files(app: FastAPI) -> None:
    """`/` is the page, `/page/...` what it consists of."""
    files = read_files()

    @app.get("/", include_in_schema=False)
    async def first(request: Request) -> Response:
        return _answer(request, files[FIRST])

    @app.get("/page/{path:path}", include_in_schema=False)
    async def one(request: Request, path: str) -> Response:
        file = files.get(path)
        return _answer(request, file) if file else Response(status_code=404, headers=HEADERS)


def _answer(request: Request, file: File) -> Response:
    headers = HEADERS | {"ETag": file.etag}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if file.etag in known:
        return Response(status_code=304, headers=headers)
    return Response(file.body, media_type=file.media, headers=headers)

"""Cursor pages and ETags."""

import base64
import binascii
from typing import Any, Generic, TypeVar

import orjson
from fastapi import Request, Response
from pydantic import BaseModel

from shared.errors import Refused

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page of a list. `next` is the cursor of the following page, null at the end."""

    items: list[T]
    next: str | None = None


class BadCursor(Refused):
    """The cursor is none that this list gave."""

    rule = "bad-cursor"
    status = 400
    en = "The cursor is not one this list gave: take `next` of the previous page."
    zh = "游标无效：请使用上一页返回的 next。"


class Stale(Refused):
    """Somebody else changed it meanwhile."""

    rule = "stale"
    status = 412
    en = "It was changed meanwhile (now version {version}): read it again, then edit."
    zh = "内容已被他人修改（当前版本 {version}），请重新读取后再编辑。"


class IfMatchRequired(Refused):
    """An edit without saying which version it is of."""

    rule = "if-match-required"
    status = 428
    en = "Send If-Match with the ETag you read."
    zh = "请在 If-Match 中提供读取时的 ETag。"


def cursor(*values: Any) -> str:
    """An opaque cursor of JSON values."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def uncursor(text: str, *types: type) -> tuple[Any, ...]:
    """The values of a cursor. Raises BadCursor."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        raise BadCursor() from None
    if not isinstance(values, list) or len(values) != len(types):
        raise BadCursor()
    if not all(isinstance(value, kind) for value, kind in zip(values, types, strict=True)):
        raise BadCursor()
    return tuple(values)


def etag(response: Response, version: int | str) -> None:
    """Say which version an answer is of."""
    response.headers["ETag"] = f'"{version}"'


def if_match(request: Request, version: int | str) -> None:
    """Raises IfMatchRequired or Stale unless the request is about `version`."""
    header = request.headers.get("if-match")
    if header is None:
        raise IfMatchRequired()
    if header.strip() != "*" and f'"{version}"' not in [tag.strip().removeprefix("W/") for tag in header.split(",")]:
        raise Stale(version=version)

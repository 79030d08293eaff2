"""A person's desk: requests to one center with that person's token, repeated while the center is away."""

import asyncio
import time
from typing import Any, Final

import httpx

from ctta.cli.words import Failure

PATIENCE_S: Final = 120.0
RETRY_S: Final = 0.3
REQUEST_TIMEOUT_S: Final = 60.0
AWAY: Final = frozenset({502, 503, 504})
"""A gateway without its service, or a service without its database: nothing was changed, ask again."""


class Patient(httpx.AsyncHTTPTransport):
    """Repeats a request whose answer did not come. Every POST carries an Idempotency-Key, so it moves once."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                response = await super().handle_async_request(request)
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            else:
                if response.status_code not in AWAY or time.monotonic() > deadline:
                    return response
                await response.aclose()
            await asyncio.sleep(RETRY_S)


class Desk:
    """Who asks, where. `name` is shown; answers are plain JSON."""

    def __init__(self, center: str, url: str, token: str, name: str, *, lang: str) -> None:
        self.center, self.name, self.url, self.token = center, name, url, token
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": lang}
        self.client = httpx.AsyncClient(
            base_url=url, headers=headers, transport=Patient(), timeout=REQUEST_TIMEOUT_S, trust_env=False
        )

    async def get(self, path: str, **query: Any) -> Any:
        """The answer. Raises Failure with the service's own sentence."""
        return self._read(await self.client.get(path, params=query))

    async def find(self, path: str, **query: Any) -> Any:
        """The answer, or None where there is no such thing (yet)."""
        answer = await self.client.get(path, params=query)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._read(answer)

    async def every(self, path: str, **query: Any) -> list[Any]:
        """All pages of a list."""
        page = await self.get(path, **query)
        items = list(page["items"])
        while page["next"] is not None:
            page = await self.get(path, **query, after=page["next"])
            items += page["items"]
        return items

    async def post(self, path: str, key: str, body: Any = None) -> Any:
        """Move something, once: `key` is the Idempotency-Key. Raises Failure."""
        return self._read(await self.client.post(path, json=body, headers={"Idempotency-Key": key}))

    async def delete(self, path: str) -> None:
        """Remove something."""
        await self.client.delete(path)

    async def close(self) -> None:
        """Leave the desk."""
        await self.client.aclose()

    def _read(self, answer: httpx.Response) -> Any:
        if answer.is_success:
            return answer.json()
        try:
            said = answer.json()
        except ValueError:
            said = {"title": str(answer.status_code), "detail": answer.text[:300]}
        raise Refusal(self, str(answer.request.url.path), said)


class Refusal(Failure):
    """A center said no, and why."""

    def __init__(self, desk: Desk, path: str, said: dict[str, Any]) -> None:
        self.rule = str(said.get("title"))
        detail = f"{said.get('detail')} {said.get('errors') or ''}".strip()
        super().__init__(
            f"{desk.center} refused {path} for {desk.name} ({self.rule}): {detail}",
            f"{desk.center} 拒绝了 {desk.name} 的请求 {path}（{self.rule}）：{detail}",
        )

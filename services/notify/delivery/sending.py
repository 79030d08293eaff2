"""One request to one webhook. The name is resolved once, every address checked, and the connection goes to those."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

import httpx

from services.notify.delivery.domain import SEND_MAX_S, Answer
from services.notify.subscription.domain import PrivateNetwork, check_addresses, check_url
from shared.errors import Refused

USER_AGENT: Final = "ctta-webhook/1"
ERROR_LENGTH_MAX: Final = 200

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""(host, port) -> its addresses, best first. OSError: the name has none."""


async def resolve(host: str, port: int) -> list[str]:
    """By the machine's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def new_client(trusted: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """A client that keeps no connection (one that was checked for a host is never used for another behind the same
    address), follows no redirect and asks no proxy."""
    return httpx.AsyncClient(
        verify=trusted or ssl.create_default_context(),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        timeout=httpx.Timeout(SEND_MAX_S),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": USER_AGENT},
    )


async def send(
    client: httpx.AsyncClient,
    url: str,
    headers: dict[str, str],
    body: bytes,
    *,
    private_ok: bool,
    resolver: Resolve = resolve,
) -> Answer:
    """POST `body`; takes at most SEND_MAX_S seconds and never raises for what the network or the receiver does.

    Of the answer only status and Retry-After are read: its text is nobody's business here.
    """
    try:
        async with asyncio.timeout(SEND_MAX_S):
            check_url(url, private_ok=private_ok)
            target = httpx.URL(url)
            port = target.port or (443 if target.scheme == "https" else 80)
            addresses = check_addresses(target.host, await resolver(target.host, port), private_ok=private_ok)
            return await _post(client, target, addresses, headers, body)
    except Refused as refusal:
        return Answer(error=PrivateNetwork.rule if isinstance(refusal, PrivateNetwork) else refusal.rule)
    except TimeoutError:
        return Answer(error=f"no answer within {SEND_MAX_S:.0f} s")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return Answer(error=f"{type(error).__name__}: {error}"[:ERROR_LENGTH_MAX])


async def _post(
    client: httpx.AsyncClient, target: httpx.URL, addresses: list[str], headers: dict[str, str], body: bytes
) -> Answer:
    """To the first address that takes the connection. TLS still asks for the certificate of the host's name."""
    named = {"Host": target.netloc.decode(), "Content-Type": "application/json", **headers}
    for address in addresses:
        request = client.build_request(
            "POST",
            target.copy_with(host=address),
            headers=named,
            content=body,
            extensions={"sni_hostname": target.host} if target.scheme == "https" else None,
        )
        try:
            response = await client.send(request, stream=True)
        except httpx.ConnectError:
            if address == addresses[-1]:
                raise
            continue
        await response.aclose()
        return Answer(response.status_code, retry_after=response.headers.get("retry-after", ""))
    raise OSError("no address")

"""What may be subscribed to, and which addresses a webhook may have. Pure."""

from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from shared.errors import Refused

STAFF: Final = frozenset({"officer", "technology_manager", "auditor"})
"""Roles that may hear of all that reaches their center; others hear what is open or concerns their organisation."""
SUBSCRIPTIONS_MAX: Final = 100
"""Subscriptions of one owner."""
URL_LENGTH_MAX: Final = 2000
ADDRESSES_MAX: Final = 3
"""Addresses of one host that an attempt tries."""
NAT64: Final = IPv6Network("64:ff9b::/96")
"""Addresses that reach IPv4 through a translator (RFC 6052)."""

Address = IPv4Address | IPv6Address


class UnknownEvent(Refused):
    """No event for people has this name."""

    rule = "unknown-event"
    status = 422
    en = "There is no event {event} to subscribe to."
    zh = "没有可订阅的事件 {event}。"


class WebhookUrlRefused(Refused):
    """An address that nothing may be sent to."""

    rule = "webhook-url"
    status = 422
    en = "This address can't be a webhook: {why_en}."
    zh = "该地址不能用作网络回调：{why_zh}。"


class PrivateNetwork(Refused):
    """An address inside a private network (server-side request forgery; OWASP API7:2023)."""

    rule = "private-network"
    status = 422
    en = "{host} leads into a private network; webhooks go to public addresses only."
    zh = "{host} 指向内部网络；网络回调只能发往公共地址。"


class TooManySubscriptions(Refused):
    """The owner has as many as one may have."""

    rule = "too-many-subscriptions"
    en = "At most {limit} subscriptions are possible."
    zh = "最多可有 {limit} 个订阅。"


class NoOrganisation(Refused):
    """Only a member of an organisation can subscribe for it."""

    rule = "no-organisation"
    status = 403
    en = "You act for no organisation, so nothing can be subscribed to in its name."
    zh = "您未代表任何单位，不能以单位名义订阅。"


class NotAWebhook(Refused):
    """Only webhooks have deliveries that can be stopped and started."""

    rule = "not-a-webhook"
    en = "{id} is no webhook."
    zh = "{id} 不是网络回调订阅。"


def check_events(events: Iterable[str], known: Collection[str]) -> None:
    """Raises UnknownEvent."""
    for event in events:
        if event not in known:
            raise UnknownEvent(event=event)


def check_channel(channel: str, url: str | None) -> None:
    """A webhook has an address, an inbox has none. Raises WebhookUrlRefused."""
    if channel == "webhook" and url is None:
        raise WebhookUrlRefused(why_en="none was given", why_zh="未提供地址")
    if channel != "webhook" and url is not None:
        raise WebhookUrlRefused(why_en="only the channel webhook has one", why_zh="只有 webhook 渠道才有地址")


def check_url(url: str, *, private_ok: bool) -> None:
    """Whether a webhook may have this URL; names are resolved and checked again at every connection.

    `private_ok`: plain HTTP and private networks are allowed. Raises WebhookUrlRefused, PrivateNetwork.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise WebhookUrlRefused(why_en="it is no URL", why_zh="不是有效网址") from None
    if len(url) > URL_LENGTH_MAX or not host or port == 0:
        raise WebhookUrlRefused(why_en="it is no URL", why_zh="不是有效网址")
    if parts.scheme != "https" and not (private_ok and parts.scheme == "http"):
        raise WebhookUrlRefused(why_en="it must begin with https://", why_zh="必须以 https:// 开头")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise WebhookUrlRefused(why_en="it has a user name, a password or a fragment", why_zh="含有用户名、密码或片段")
    if private_ok:
        return
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        raise PrivateNetwork(host=host)
    address = literal(host)
    if address is not None and not is_public(address):
        raise PrivateNetwork(host=host)


def literal(host: str) -> Address | None:
    """The address a host is written as, or None for a name."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether it is an address on the public internet (IANA special-purpose registries).

    So must be the one that an IPv6 address only wraps: mapped, 6to4, Teredo, NAT64.
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def check_addresses(host: str, addresses: Iterable[str], *, private_ok: bool) -> list[str]:
    """The addresses to connect to, of those `host` resolved to. One private address among them refuses all.

    Raises PrivateNetwork; OSError: the name has no address.
    """
    found = list(addresses)
    if not found:
        raise OSError(f"{host} has no address")
    for one in found:
        address = literal(one)
        if not private_ok and (address is None or not is_public(address)):
            raise PrivateNetwork(host=host)
    return found[:ADDRESSES_MAX]


def owner_of(person_id: str, organisation_id: str | None, *, shared: bool) -> str:
    """Whose inbox the notices go to. Raises NoOrganisation."""
    if not shared:
        return person_id
    if organisation_id is None:
        raise NoOrganisation()
    return organisation_id


def check_count(count: int) -> None:
    """Raises TooManySubscriptions where an owner has `count` already."""
    if count >= SUBSCRIPTIONS_MAX:
        raise TooManySubscriptions(limit=SUBSCRIPTIONS_MAX)

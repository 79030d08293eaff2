"""Webhooks without a database: backoff, verdicts, addresses, signatures."""

import base64
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notify.delivery import signing
from services.notify.delivery.domain import (
    DISABLE_AFTER,
    LEASE,
    PAUSES_S,
    SEND_MAX_S,
    Answer,
    judge,
    pause_s,
    retry_after_s,
)
from services.notify.subscription.domain import (
    PrivateNetwork,
    WebhookUrlRefused,
    check_addresses,
    check_url,
    is_public,
)
from shared.trust.signing import new_signing_key

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_pauses_grow_over_days_with_full_jitter() -> None:
    assert list(PAUSES_S) == sorted(PAUSES_S)
    assert timedelta(days=4) < timedelta(seconds=sum(PAUSES_S)) < timedelta(days=5)
    assert pause_s(1, 0.0) == 0
    assert pause_s(3, 0.5) == 60
    assert timedelta(seconds=SEND_MAX_S) < LEASE, "a lease ends only when its sender is dead"


@given(status=st.integers(200, 299), tries=st.integers(1, 50))
def test_any_2xx_is_delivered(status: int, tries: int) -> None:
    assert judge(Answer(status), tries, None, NOW, 0.5).state == "delivered"


@given(
    status=st.none() | st.integers(300, 599).filter(lambda status: status != 410),
    tries=st.integers(1, len(PAUSES_S)),
    chance=st.floats(0, 0.999),
)
def test_any_other_answer_is_tried_again(status: int | None, tries: int, chance: float) -> None:
    verdict = judge(Answer(status), tries, NOW - timedelta(hours=1), NOW, chance)
    assert verdict.state == "pending"
    assert NOW <= verdict.next_at <= NOW + timedelta(seconds=PAUSES_S[tries - 1])
    assert verdict.disabled_rule is None


def test_after_the_last_pause_it_is_exhausted() -> None:
    assert judge(Answer(500), len(PAUSES_S) + 1, NOW, NOW, 0.5).state == "exhausted"


def test_an_endpoint_that_is_gone_or_fails_for_days_is_disabled() -> None:
    gone = judge(Answer(410), 1, None, NOW, 0.5)
    assert (gone.state, gone.disabled_rule) == ("exhausted", "endpoint-gone")
    assert judge(Answer(500), 3, NOW - DISABLE_AFTER, NOW, 0.5).disabled_rule == "failing-too-long"
    assert judge(Answer(500), 3, NOW - DISABLE_AFTER + timedelta(seconds=1), NOW, 0.5).disabled_rule is None
    assert judge(Answer(200), 3, NOW - DISABLE_AFTER, NOW, 0.5).disabled_rule is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 5 ", 5.0),
        ("999999999", 86400.0),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


def test_retry_after_rests_the_whole_endpoint() -> None:
    verdict = judge(Answer(429, retry_after="600"), 1, None, NOW, 0.5)
    assert verdict.paused_until == verdict.next_at == NOW + timedelta(minutes=10)
    assert judge(Answer(500, retry_after="600"), 1, None, NOW, 0.5).paused_until is None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "240.0.0.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "2002:7f00:1::", "64:ff9b::10.0.0.1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::ffff:169.254.169.254",
    ],
)  # fmt: skip
def test_private_addresses(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(PrivateNetwork):
        check_addresses("rebind.example", ["93.184.215.14", address], private_ok=False)


def test_public_addresses() -> None:
    for address in ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::93.184.215.14"):
        assert is_public(ip_address(address))
    assert check_addresses("example.org", ["93.184.215.14"], private_ok=False) == ["93.184.215.14"]
    with pytest.raises(OSError, match="no address"):
        check_addresses("example.org", [], private_ok=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook", "https://user@example.org", "https://example.org/#part", "https://", "nonsense",
        "https://example.org:99999", "https://[::1", "file:///etc/passwd", "https://example.org/" + "a" * 2000,
    ],
)  # fmt: skip
def test_addresses_that_are_no_webhook(url: str) -> None:
    with pytest.raises(WebhookUrlRefused):
        check_url(url, private_ok=False)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "db.internal", "[::1]", "169.254.169.254", "[fe80::1%25eth0]"]
)
def test_hosts_inside_a_network(host: str) -> None:
    with pytest.raises(PrivateNetwork):
        check_url(f"https://{host}/hook", private_ok=False)
    check_url(f"http://{host}/hook", private_ok=True)


def test_signatures_follow_the_standard() -> None:
    now, body, secret = datetime.now(UTC), '{"type":"deal.opened","标题":"盐"}'.encode(), bytes(range(32))
    key = new_signing_key("east/notify/1")
    headers = signing.headers("ntc_1", now, body, secret, key)
    webhook = Webhook(signing.secret_text(secret))
    assert webhook.verify(body, headers)["type"] == "deal.opened"
    with pytest.raises(WebhookVerificationError):
        webhook.verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.secret_text(bytes(32))).verify(body, headers)
    asymmetric = next(s for s in headers["webhook-signature"].split(" ") if s.startswith("v1a,"))
    public = base64.b64decode(signing.public_text(key).removeprefix("whpk_"))
    signed = f"ntc_1.{headers['webhook-timestamp']}.".encode() + body
    Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(asymmetric[4:]), signed)
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(asymmetric[4:]), signed + b" ")

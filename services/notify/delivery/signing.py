"""Signatures of webhooks as Standard Webhooks 1.0 wants them: `v1` (HMAC-SHA256) and `v1a` (Ed25519). Pure."""

import hashlib
import hmac
from base64 import b64encode
from datetime import datetime
from typing import Final

from shared.trust.encoding import from_b64url
from shared.trust.signing import SigningKey

SECRET_BYTES: Final = 32
"""Standard Webhooks asks for 24 to 64."""
SECRET_PREFIX: Final = "whsec_"
PUBLIC_PREFIX: Final = "whpk_"


def secret_text(secret: bytes) -> str:
    """A shared secret as its owner is shown it, once."""
    return SECRET_PREFIX + b64encode(secret).decode()


def public_text(key: SigningKey) -> str:
    """A center's public key as receivers are given it."""
    return PUBLIC_PREFIX + b64encode(from_b64url(key.public)).decode()


def headers(notice_id: str, sent_at: datetime, body: bytes, secret: bytes, key: SigningKey) -> dict[str, str]:
    """The three headers of an attempt. `webhook-id` is the same at every attempt; the timestamp is the attempt's.

    The asymmetric signature is there where the center's key is Ed25519, the only one the standard knows.
    """
    seconds = str(int(sent_at.timestamp()))
    signed = f"{notice_id}.{seconds}.".encode() + body
    signatures = ["v1," + b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()]
    if key.alg == "Ed25519":
        signatures.append("v1a," + b64encode(key.sign(signed)).decode())
    return {"webhook-id": notice_id, "webhook-timestamp": seconds, "webhook-signature": " ".join(signatures)}

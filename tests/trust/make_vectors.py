"""Rewrites vectors.json: `PYTHONPATH=. python tests/trust/make_vectors.py`. Only the sealed record changes each time.

Keys are SHA-256 of a public sentence, so everybody holds them: test keys, never to be trusted.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from shared.trust import SEAL_ALG, KeyEntry, SealKey, SigningKey, read_entry, seal, sign, signing_input
from shared.trust.encoding import to_b64url

VECTORS = Path(__file__).with_name("vectors.json")
VALID_FROM = datetime(2026, 1, 1, tzinfo=UTC)
CENTERS = {
    "beijing": ("hub", "中关村", "Zhongguancun"),
    "south": ("hub", "深圳", "Shenzhen"),
    "east": ("spoke", "上海", "Shanghai"),
}
SERVICES = ("root", "listing", "escrow")


def seed(kid: str) -> bytes:
    """32 bytes that anybody can compute."""
    return sha256(f"ctta test key {kid}".encode()).digest()


def signing_key(kid: str) -> SigningKey:
    """The Ed25519 test key of that name."""
    return SigningKey(kid=kid, alg="Ed25519", private=to_b64url(seed(kid)))


def seal_key(kid: str) -> SealKey:
    """The X25519 test key of that name."""
    public = X25519PrivateKey.from_private_bytes(seed(kid)).public_key().public_bytes_raw()
    return SealKey(kid=kid, alg=SEAL_ALG, public=to_b64url(public), private=to_b64url(seed(kid)))


def seal_entry(key: SealKey) -> KeyEntry:
    """As the directory lists it."""
    return KeyEntry(kid=key.kid, service="seal", use="seal", alg=key.alg, public=key.public, valid_from=VALID_FROM)


def entry(center: str) -> dict[str, Any]:
    """Version 1 of a center, signed by both hubs."""
    role, zh, en = CENTERS[center]
    keys = [
        KeyEntry(
            kid=f"{center}/{service}/1",
            service=service,
            use="sign",
            alg="Ed25519",
            public=signing_key(f"{center}/{service}/1").public,
            valid_from=VALID_FROM,
        )
        for service in SERVICES
    ]
    keys.append(seal_entry(seal_key(f"{center}/seal/1")))
    body = {
        "center": center,
        "name": {"zh": zh, "en": en},
        "role": role,
        "version": 1,
        "jurisdiction": "CN",
        "keys": [key.model_dump(mode="json", exclude_defaults=True) for key in keys],
    }
    return read_entry(body).signed([signing_key("beijing/root/1"), signing_key("south/root/1")]).to_json()


def record(topic: str, key: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """A signed record with what its signature is made of."""
    kid = headers["ce_source"].removeprefix("/centers/") + "/1"
    raw = {"topic": topic, "key": key.encode(), "headers": headers, "body": body}
    signature = sign(signing_key(kid), **raw)  # type: ignore[arg-type]
    return {
        "topic": topic,
        "key": key,
        "headers": {**headers, "ce_signature": signature},
        "body": body.decode(),
        "signing_input_hex": signing_input(**raw).hex(),  # type: ignore[arg-type]
    }


def headers_of(service: str, event: str, sequence: int, content_type: str) -> dict[str, str]:
    """CloudEvents attributes in Kafka binary mode, with trace headers that no signature covers."""
    return {
        "ce_specversion": "1.0",
        "ce_id": f"0198c0de-0000-7000-8000-{sequence:012d}",
        "ce_source": f"/centers/east/{service}",
        "ce_type": f"ctta.{service}.{event}.v1",
        "ce_time": "2026-03-01T08:00:00.000000Z",
        "ce_subject": "技术-1",
        "ce_sequence": str(sequence),
        "content-type": content_type,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }


def vectors() -> dict[str, Any]:
    """Everything in vectors.json."""
    plain = headers_of("listing", "resource.published", 7, "application/json")
    sealed = headers_of("escrow", "milestone.released", 8, "application/jose+json")
    body = '{"title":"海水淡化膜","title_en":"Desalination membrane"}'.encode()
    token = seal(
        body,
        source=sealed["ce_source"],
        id=sealed["ce_id"],
        audience="south",
        to=[seal_entry(seal_key("south/seal/1")), seal_entry(seal_key("east/seal/1"))],
    )
    kids = [f"{center}/{service}/1" for center in CENTERS for service in (*SERVICES, "seal")]
    return {
        "notice": "TEST KEYS, known to everybody: SHA-256 of 'ctta test key <kid>'. Never trust them.",
        "private_keys": {kid: to_b64url(seed(kid)) for kid in kids},
        "pins": {
            "hubs": {
                hub: [{"kid": f"{hub}/root/1", "alg": "Ed25519", "public": signing_key(f"{hub}/root/1").public}]
                for hub in ("beijing", "south")
            }
        },
        "directory": {"entries": [entry(center) for center in CENTERS]},
        "records": [
            record("ctta.east.listing.state", "技术-1", plain, body),
            record("ctta.east.listing.state", "", {**plain, "ce_subject": ""}, b""),
            record("ctta.east.escrow.to.south", "deal-1", sealed, token),
        ],
        "sealed": {"record": 2, "audience": "south", "opened_by": ["south", "east"], "body": body.decode()},
    }


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

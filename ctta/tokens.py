"""Development tokens: signed by the issuer key of the center's trust folder, as an OIDC provider would sign them."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey

from shared.trust import load_issuer_key

DAYS: Final = 30


def issue(
    trust: Path,
    center: str,
    *,
    subject: str,
    roles: Sequence[str],
    name: str = "",
    organisation: str | None = None,
    days: float = DAYS,
) -> str:
    """A bearer token (JWT, ES256) for one person at one center. Raises TrustFileMissing where the key is not here."""
    issuer = load_issuer_key(trust, center)
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": issuer.issuer,
        "sub": subject,
        "name": name or subject,
        "roles": list(roles),
        "ctta_center": center,
        "iat": now,
        "exp": now + int(days * 86_400),
    }
    if organisation:
        claims["organisation"] = organisation
    key = ECKey.import_key(dict(issuer.jwk))
    return jwt.encode({"alg": "ES256", "kid": str(issuer.jwk["kid"])}, claims, key)

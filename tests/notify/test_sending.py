"""One request over real sockets: pinned addresses, names in certificates, nobody there."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.notify.delivery.sending import new_client, send
from tests.notify.conftest import Receiver


async def test_nobody_there() -> None:
    async with new_client() as sender:
        answer = await send(sender, "http://127.0.0.1:1/hook", {}, b"{}", private_ok=True)
    assert answer.status is None
    assert answer.error.startswith("ConnectError")


async def test_tls_asks_for_the_hosts_name_though_the_address_is_pinned(tmp_path: Path) -> None:
    got = Receiver()
    trusted, serving = _certificates(tmp_path)
    server = await asyncio.start_server(got.serve, "127.0.0.1", 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with new_client(trusted) as sender:
        right = await send(sender, f"https://hook.example:{port}/a?b", {}, b"{}", private_ok=True, resolver=here)
        wrong = await send(sender, f"https://other.example:{port}/", {}, b"{}", private_ok=True, resolver=here)
    server.close()
    assert right.status == 204
    assert [headers["host"] for headers, _ in got.got] == [f"hook.example:{port}"]
    assert wrong.status is None
    assert "certificate" in wrong.error.lower()


def _certificates(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a client trusts and a server shows: a self-signed certificate for hook.example."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hook.example")]), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "server.pem"
    file.write_bytes(private + pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    trusted = ssl.create_default_context(cadata=pem.decode())
    return trusted, serving

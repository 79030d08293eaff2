"""One Kafka Metadata request (version 2) on a plain socket: does a broker answer, and as which cluster?

Small on purpose: no client library has to be loaded, connect or retry before a start is known to be good. The request
names no topic, so nothing is created. Layout: https://kafka.apache.org/protocol (request header v1, Metadata v2).
"""

import socket
import struct

METADATA, VERSION, CORRELATION = 3, 2, 7
CLIENT = b"ctta"
ANSWER_S = 1.0
ANSWER_BYTES_MAX = 1_000_000


def cluster_id(bootstrap: str) -> str | None:
    """The cluster id that `host:port` reports, or None when nothing there speaks the protocol within a second."""
    host, _, port = bootstrap.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=ANSWER_S) as connection:
            connection.sendall(request())
            (size,) = struct.unpack(">i", _read(connection, 4))
            return parse(_read(connection, size)) if 0 < size < ANSWER_BYTES_MAX else None
    except (OSError, ValueError, struct.error):
        return None


def request() -> bytes:
    """The framed request for the metadata of no topic."""
    header = struct.pack(">hhih", METADATA, VERSION, CORRELATION, len(CLIENT)) + CLIENT
    body = header + struct.pack(">i", 0)
    return struct.pack(">i", len(body)) + body


def parse(answer: bytes) -> str | None:
    """The cluster id in an answer without its frame. Raises ValueError or struct.error when it is none."""
    correlation, brokers = struct.unpack_from(">ii", answer)
    if correlation != CORRELATION:
        raise ValueError("another correlation id")
    at = 8
    for _ in range(brokers):
        _, at = _text(answer, at + 4)  # node id, host
        _, at = _text(answer, at + 4)  # port, rack
    text, _ = _text(answer, at)
    return text


def _text(answer: bytes, at: int) -> tuple[str | None, int]:
    (length,) = struct.unpack_from(">h", answer, at)
    at += 2
    return (None, at) if length < 0 else (answer[at : at + length].decode(), at + length)


def _read(connection: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        chunk = connection.recv(size - len(read))
        if not chunk:
            raise ValueError("closed in mid answer")
        read += chunk
    return read

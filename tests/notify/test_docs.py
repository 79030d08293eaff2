"""docs/webhooks.md: its receiver runs as printed, its second script verifies, its list of events is whole."""

import asyncio
import os
import re
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from services.notify.app import service
from services.notify.delivery.courier import Courier
from services.notify.story.sentences import NAMES
from shared.db import Database
from shared.service import Worker
from tests.fixtures import client, deliver
from tests.notify import events
from tests.notify.conftest import Receiver
from tests.notify.events import OFFER, SELLER

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
RECEIVER, VERIFIER = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_every_event_is_listed() -> None:
    table = PAGE.partition("## Events")[2].partition("## ")[0]
    assert set(re.findall(r"`([a-z]+\.[a-z]+)`", table)) == NAMES


async def listening(port: int) -> None:
    """Until somebody takes connections at `port`."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        return


async def test_the_receiver_takes_what_is_signed_and_once(db: Database, worker: Worker, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/hook"
    (tmp_path / "receiver.py").write_text(RECEIVER, encoding="utf-8")
    async with client(db, service) as http:
        made = (await http.post("/notify/subscriptions", json={"channel": "webhook", "url": url})).json()
        await deliver(db, service, events.published(OFFER, "beijing", SELLER), source="beijing")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(tmp_path / "receiver.py"), str(port),
            env={**os.environ, "WEBHOOK_SECRET": made["secret"]}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        courier = Courier()
        try:
            async with asyncio.timeout(30):
                await listening(port)
                while await courier.step(worker):
                    pass
                items = (await http.get("/notify/deliveries?state=delivered")).json()["items"]
                line = await process.stdout.readline()
                await http.post(f"/notify/deliveries/{items[0]['id']}/resend")
                while await courier.step(worker):
                    pass
        finally:
            await courier.close()
            process.terminate()
            rest = await process.stdout.read()
            await process.wait()
    assert line.decode().strip() == "Zhongguancun published the technology “Salt separation”."
    assert rest == b"", "the same notice again is a repeat"


async def test_the_second_script_verifies_the_centers_signature(
    db: Database, worker: Worker, receiver: Receiver
) -> None:
    names: dict[str, Any] = {}
    exec(compile(VERIFIER, "webhooks.md", "exec"), names)
    courier = Courier()
    async with client(db, service) as http:
        await http.post("/notify/subscriptions", json={"channel": "webhook", "url": receiver.url})
        await deliver(db, service, events.published(OFFER, "beijing", SELLER), source="beijing")
        while await courier.step(worker):
            pass
        key = (await http.get("/notify/webhook-key")).json()["key"]
    await courier.close()
    [(headers, body)] = receiver.got
    names["verify"](headers, body, key)
    with pytest.raises(InvalidSignature):
        names["verify"](headers, body + b" ", key)

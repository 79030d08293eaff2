"""Clients that know nothing of ctta read an alliance topic: librdkafka, the CloudEvents SDK, kcat, the docs' script."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from confluent_kafka import Consumer

from tests.faults.conftest import Duo

TOPIC = "ctta.beijing.listing"
PAGE = Path(__file__).parents[2] / "docs" / "verify-signature.md"


def read(bootstrap: str, count: int) -> list[Any]:
    """The first records of the topic, read by librdkafka."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "foreign", "auto.offset.reset": "earliest", "log_level": 2}
    )
    consumer.subscribe([TOPIC])
    try:
        records: list[Any] = []
        while len(records) < count:
            found = consumer.consume(count - len(records), timeout=30)
            assert found, f"{len(records)} of {count} records came"
            assert all(record.error() is None for record in found)
            records += found
        return records
    finally:
        consumer.close()


def script(folder: Path) -> Any:
    """`verify` of the script in the docs."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert code is not None
    (folder / "verify.py").write_text(code[1], "utf-8")
    scope: dict[str, Any] = {"__name__": "verify"}
    exec(compile(code[1], "verify.py", "exec"), scope)
    return scope["verify"]


async def test_a_foreign_client_finds_valid_cloudevents_with_valid_signatures(duo: Duo, tmp_path: Path) -> None:
    sender, _ = await duo.both()
    await duo.say(sender, "lst_1", "lst_2", "lst_3", reason="verkauft / 已转让")
    await duo.applied_all(3)
    verify = script(tmp_path)
    directory = json.loads((duo.trust / "directory.json").read_text("utf-8"))
    for record in await asyncio.to_thread(read, duo.kafka.bootstrap, 3):
        headers = {name: value for name, value in record.headers()}
        event = from_binary(KafkaMessage(headers, record.key(), record.value()), JSONFormat())
        assert event.get_type() == "ctta.listing.listing.withdrawn.v1"
        assert event.get_source() == "/centers/beijing/listing"
        assert event.get_specversion() == "1.0"
        assert event.get_extension("partitionkey") == record.key().decode() == event.get_subject()
        assert event.get_extension("sequence") == "1"
        body: Any = event.get_data()
        assert (body if isinstance(body, dict) else json.loads(body))["reason"] == "verkauft / 已转让"
        assert verify(TOPIC, record.key(), record.headers(), record.value(), directory) == "beijing/listing/1"
        with pytest.raises(Exception, match="Signature"):
            verify(TOPIC, record.key(), record.headers(), record.value() + b" ", directory)


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed")
async def test_kcat_and_the_script_as_the_docs_say(duo: Duo, tmp_path: Path) -> None:
    sender, _ = await duo.both()
    await duo.say(sender, "lst_1", "lst_2")
    await duo.applied_all(2)
    script(tmp_path)
    read_all = ["kcat", "-C", "-J", "-e", "-q", "-b", duo.kafka.bootstrap, "-t", TOPIC]
    check = [sys.executable, str(tmp_path / "verify.py"), str(duo.trust / "directory.json")]
    records = await asyncio.to_thread(run, read_all, b"")
    assert (await asyncio.to_thread(run, check, records)).decode().splitlines() == [f"{TOPIC} beijing/listing/1"] * 2


def run(command: list[str], said: bytes) -> bytes:
    """What a command that ends well prints."""
    return subprocess.run(command, input=said, capture_output=True, timeout=60, check=True).stdout

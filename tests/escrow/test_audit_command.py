"""`ctta ledger audit` on a database of its own: exit code 0 where the books are right, 1 where they are not."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.escrow.app import service
from shared.db.migrate import migrate
from tests.servers.databases import Databases

ENDED_BY_S = 60


@pytest.fixture
async def center(database: Databases) -> AsyncIterator[str]:
    """A center whose escrow database lies where the command looks for it."""
    name = f"t{secrets.token_hex(6)}"
    url = f"{database.server_url}/ctta_{name}_escrow"
    await migrate(url, service.migrations)
    yield name
    server = await asyncpg.connect(f"{database.server_url}/postgres")
    try:
        await server.execute(f'DROP DATABASE "ctta_{name}_escrow" WITH (FORCE)')
    finally:
        await server.close()


async def audit(server_url: str, center: str, *options: str) -> tuple[int, str]:
    """Exit code and output of the command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ctta", "ledger", "audit", "--center", center, *options,
        env=os.environ | {"CTTA_POSTGRES": server_url, "CTTA_LANG": "en"}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), ENDED_BY_S)
    return process.returncode or 0, out.decode()


async def test_a_breach_is_named_and_ends_with_one(database: Databases, center: str) -> None:
    code, said = await audit(database.server_url, center, "--json")
    found: dict[str, Any] = json.loads(said)
    assert (code, found["balanced"]) == (0, True)
    connection = await asyncpg.connect(f"{database.server_url}/ctta_{center}_escrow")
    try:  # a statement that nobody booked
        await connection.execute(
            "INSERT INTO deposit (bank_reference, deal_id, amount_minor, currency, recorded_by, recorded_at)"
            " VALUES ('CMB-1', 'dea_1', 5, 'CNY', 'alice', now())"
        )
    finally:
        await connection.close()
    code, said = await audit(database.server_url, center)
    assert code == 1
    assert f"{center}: 2 BROKEN" in said
    assert "deals:" in said
    assert "money-in-and-out:" in said

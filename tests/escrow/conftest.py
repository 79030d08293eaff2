"""What escrow's tests share."""

import pytest

from services.escrow.app import service
from shared.db import Database
from tests.fixtures import OpenDatabase


@pytest.fixture
async def db(open_database: OpenDatabase) -> Database:
    """A fresh escrow database."""
    return await open_database(service)

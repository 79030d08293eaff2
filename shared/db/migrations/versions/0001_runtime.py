"""The runtime's tables: journal, inbox, positions, held events, idempotency."""

from importlib.resources import files

from shared.db.migrate import script

revision = "runtime_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    script(files("shared.db").joinpath("runtime.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("the first migration has nothing before it: drop the database instead")

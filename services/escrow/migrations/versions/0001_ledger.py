"""The ledger: accounts, transfers, entries, blocks, and the posting function."""

from importlib.resources import files

from shared.db.migrate import script

revision = "escrow_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("ledger.sql", "balanced.sql", "post.sql"):
        script(files("services.escrow.ledger").joinpath(name).read_text())


def downgrade() -> None:
    raise NotImplementedError("a ledger is never taken back: what it has written stays written")

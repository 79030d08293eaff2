"""Stricter guards: unlocked accounts, money leaving a deal under any purpose, interests of the center itself."""

from importlib.resources import files

from shared.db.migrate import script

revision = "escrow_0003"
down_revision = "escrow_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("balanced.sql", "post.sql"):
        script(files("services.escrow.ledger").joinpath(name).read_text())
    script(files("services.escrow.deal").joinpath("guards.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("guards are not taken away")

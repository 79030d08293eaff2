"""Deals and payments between centers."""

from importlib.resources import files

from shared.db.migrate import script

revision = "escrow_0002"
down_revision = "escrow_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script(files("services.escrow.deal").joinpath("deal.sql").read_text())
    script(files("services.escrow.clearing").joinpath("clearing.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("deals and decisions are never taken back")

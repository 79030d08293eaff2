"""Accepted interests: who may hold a listing."""

from importlib.resources import files

from shared.db.migrate import script

revision = "listing_0002"
down_revision = "listing_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script(files("services.listing").joinpath("resource/interest.sql").read_text())


def downgrade() -> None:
    script("DROP TABLE accepted_interest")

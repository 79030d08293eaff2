"""Organisations, listings with their versions and reservations, and the catalogue of the alliance."""

from importlib.resources import files

from shared.db.migrate import script

revision = "listing_0001"
down_revision = None
branch_labels = None
depends_on = None

PARTS = ("organisation/organisation.sql", "resource/resource.sql", "catalogue/catalogue.sql")


def upgrade() -> None:
    for part in PARTS:
        script(files("services.listing").joinpath(part).read_text())


def downgrade() -> None:
    raise NotImplementedError("the first migration has nothing before it: drop the database instead")

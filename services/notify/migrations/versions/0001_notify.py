"""Subjects, story, subscriptions, notices, deliveries with their attempts."""

from pathlib import Path

from alembic import op

from shared.db.migrate import script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("attempt", "delivery", "notice", "subscription", "step", "subject")


def upgrade() -> None:
    script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)

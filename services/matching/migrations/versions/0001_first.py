"""Candidates, matches, interests."""

from pathlib import Path

from shared.db.migrate import script

revision = "matching_0001"
down_revision = None
branch_labels = None
depends_on = None

SERVICE = Path(__file__).parents[2]


def upgrade() -> None:
    for file in ("index/candidate.sql", "match/match.sql", "interest/interest.sql"):
        script((SERVICE / file).read_text(encoding="utf-8"))


def downgrade() -> None:
    script("DROP TABLE interest, match, candidate")

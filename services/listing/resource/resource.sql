-- Listings of this center, of both tiers, as they are now.
CREATE TABLE listing (
    id text PRIMARY KEY,
    external_id text UNIQUE,
    organisation_id text NOT NULL REFERENCES organisation (id) DEFERRABLE INITIALLY DEFERRED,
    kind text NOT NULL,
    tier text NOT NULL,
    status text NOT NULL,
    version int NOT NULL,
    content jsonb NOT NULL,
    digest text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    published_at timestamptz,
    CONSTRAINT listing_version_positive CHECK (version > 0),
    CONSTRAINT listing_tier_known CHECK (tier IN ('public', 'center')),
    CONSTRAINT listing_offered_was_published
        CHECK (status NOT IN ('published', 'reserved', 'transacted') OR published_at IS NOT NULL)
);
CREATE INDEX listing_organisation ON listing (organisation_id, id);

-- Every change, whole: what was published at a time is the last version at or before it.
CREATE TABLE listing_version (
    listing_id text NOT NULL REFERENCES listing (id) DEFERRABLE INITIALLY DEFERRED,
    version int NOT NULL,
    at timestamptz NOT NULL,
    status text NOT NULL,
    tier text NOT NULL,
    content jsonb NOT NULL,
    by text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (listing_id, version)
);
CREATE INDEX listing_version_at ON listing_version (listing_id, at);

-- One row per deal that asked; one deal at a time holds a listing.
CREATE TABLE reservation (
    deal_id text PRIMARY KEY,
    listing_id text NOT NULL,
    home text NOT NULL,
    outcome text NOT NULL,
    rule text,
    at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT reservation_outcome_known CHECK (outcome IN ('held', 'refused', 'returned', 'transacted')),
    CONSTRAINT reservation_end CHECK ((ended_at IS NULL) = (outcome IN ('held', 'refused')))
);
CREATE UNIQUE INDEX reservation_one_deal_at_a_time ON reservation (listing_id) WHERE outcome = 'held';

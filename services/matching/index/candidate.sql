-- The public snapshot of every listing that may be matched; the index is rebuilt from here.
CREATE TABLE candidate (
    listing_id text PRIMARY KEY,
    version int NOT NULL CONSTRAINT candidate_version CHECK (version > 0),
    sequence bigint NOT NULL,
    center text NOT NULL,
    organisation_id text NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    slot text NOT NULL,
    published_at timestamptz,
    snapshot jsonb NOT NULL,
    terms json NOT NULL,
    codes text[] NOT NULL,
    text_version int NOT NULL,
    written_in bigint NOT NULL
);
CREATE INDEX candidate_written ON candidate (written_in);
CREATE INDEX candidate_organisation ON candidate (organisation_id);

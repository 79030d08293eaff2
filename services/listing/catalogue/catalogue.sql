-- What all centers announced in their .state topics; a projection, rebuilt at any time.
-- `kind` and `status` are open: values this center doesn't know are kept.
CREATE TABLE catalogue_organisation (
    organisation_id text PRIMARY KEY,
    center text NOT NULL,
    sequence bigint NOT NULL,
    kind text NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    region text NOT NULL,
    country text NOT NULL
);
CREATE TABLE catalogue_listing (
    listing_id text PRIMARY KEY,
    center text NOT NULL,
    listing_version int NOT NULL,
    sequence bigint NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    organisation_id text NOT NULL,
    region text NOT NULL,
    trl smallint,
    ipc text[] NOT NULL,
    livelihood text[] NOT NULL,
    listed_at timestamptz NOT NULL,
    words text NOT NULL,
    snapshot jsonb NOT NULL
);
CREATE INDEX catalogue_listing_newest ON catalogue_listing (listed_at DESC, listing_id DESC);
CREATE INDEX catalogue_listing_center ON catalogue_listing (center, kind, status);
CREATE INDEX catalogue_listing_livelihood ON catalogue_listing USING gin (livelihood);

-- What this center's own matching service accepted: only such an interest lets its seeker's center hold a listing.
CREATE TABLE accepted_interest (
    id text PRIMARY KEY,
    listing_id text NOT NULL,
    seeker_center text NOT NULL,
    at timestamptz NOT NULL
);

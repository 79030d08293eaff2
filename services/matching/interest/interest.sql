-- Interests: at the seeker's center as expressed, at the owner's center as received; one row where both are one center.
CREATE TABLE interest (
    interest_id text PRIMARY KEY,
    match_id text,
    demand_id text NOT NULL,
    offer_id text NOT NULL,
    seeker_center text NOT NULL,
    seeker_organisation_id text NOT NULL,
    owner_center text NOT NULL,
    owner_organisation_id text NOT NULL,
    message text NOT NULL,
    status text NOT NULL CONSTRAINT interest_status CHECK (status IN ('open', 'accepted', 'declined')),
    reason text,
    expressed_by text,
    answered_by text,
    expressed_at timestamptz NOT NULL,
    answer_by timestamptz NOT NULL,
    answered_at timestamptz,
    CONSTRAINT interest_answered CHECK ((status = 'open') = (answered_at IS NULL)),
    CONSTRAINT interest_reason CHECK ((status = 'declined') = (reason IS NOT NULL))
);
CREATE UNIQUE INDEX interest_one_open ON interest (demand_id, offer_id) WHERE status = 'open';
CREATE INDEX interest_newest ON interest (expressed_at DESC, interest_id);
CREATE INDEX interest_offer ON interest (offer_id);

-- Matches: decided here for demands of this center, told here for its offers.
CREATE TABLE match (
    match_id text PRIMARY KEY,
    demand_id text NOT NULL,
    offer_id text NOT NULL,
    demand_version int NOT NULL,
    offer_version int NOT NULL,
    demand_center text NOT NULL,
    offer_center text NOT NULL,
    offer_kind text NOT NULL,
    score double precision NOT NULL CONSTRAINT match_score CHECK (score BETWEEN 0 AND 1),
    components jsonb NOT NULL,
    terms jsonb NOT NULL,
    shared jsonb NOT NULL,
    filters jsonb NOT NULL,
    rules text NOT NULL,
    status text NOT NULL CONSTRAINT match_status CHECK (status IN ('open', 'closed')),
    closed_because text,
    found_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT match_closed_because CHECK ((status = 'closed') = (closed_because IS NOT NULL))
);
CREATE INDEX match_demand ON match (demand_id);
CREATE INDEX match_offer ON match (offer_id);
CREATE INDEX match_best ON match (score DESC, match_id) WHERE status = 'open';
CREATE INDEX match_newest ON match (changed_at DESC, match_id) WHERE status = 'open';

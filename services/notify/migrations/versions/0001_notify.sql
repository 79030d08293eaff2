-- What ids stand for: a listing's or an organisation's title, whom a deal or an interest concerns, where an id leads to.
CREATE TABLE subject (
    id text PRIMARY KEY,
    center text NOT NULL,
    kind text NOT NULL DEFAULT '',
    title_zh text NOT NULL DEFAULT '',
    title_en text NOT NULL DEFAULT '',
    organisations text[] NOT NULL DEFAULT '{}',
    links jsonb NOT NULL DEFAULT '{}'
);

-- The story: what happened, in the order it became known here. Writers take turns, so a reader by n misses none.
CREATE TABLE step (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    source text NOT NULL,
    at timestamptz NOT NULL,
    center text NOT NULL,
    service text NOT NULL,
    event_type text NOT NULL,
    subject text NOT NULL,
    conversation text NOT NULL,
    is_open boolean NOT NULL,
    concerns text[] NOT NULL,
    ids jsonb NOT NULL,
    facts jsonb NOT NULL,
    trace_id text NOT NULL DEFAULT '',
    UNIQUE (source, event_id)
);
CREATE INDEX step_conversation ON step (conversation, n);
CREATE INDEX step_subject ON step (subject, n);

-- Who wants to hear of what. Empty lists mean: all. A webhook's state of health stands with it.
CREATE TABLE subscription (
    id text PRIMARY KEY,
    owner text NOT NULL,
    organisation_id text,
    is_staff boolean NOT NULL,
    channel text NOT NULL CHECK (channel IN ('inbox', 'webhook')),
    events text[] NOT NULL,
    kinds text[] NOT NULL,
    centers text[] NOT NULL,
    deal_id text,
    created_at timestamptz NOT NULL,
    url text,
    secret bytea,
    in_order boolean NOT NULL DEFAULT false,
    failing_since timestamptz,
    paused_until timestamptz,
    disabled_at timestamptz,
    disabled_rule text,
    CHECK ((channel = 'webhook') = (url IS NOT NULL)),
    CHECK ((url IS NULL) = (secret IS NULL)),
    CHECK ((disabled_at IS NULL) = (disabled_rule IS NULL)),
    CHECK (NOT is_staff OR owner IS DISTINCT FROM organisation_id)
);
CREATE INDEX subscription_owner ON subscription (owner, id);

-- One event told to one subscriber.
CREATE TABLE notice (
    id text PRIMARY KEY,
    n bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    subscription_id text NOT NULL REFERENCES subscription ON DELETE CASCADE,
    owner text NOT NULL,
    channel text NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    at timestamptz NOT NULL,
    center text NOT NULL,
    subject text NOT NULL,
    conversation text NOT NULL,
    ids jsonb NOT NULL,
    facts jsonb NOT NULL,
    traceparent text,
    read_at timestamptz,
    CHECK (read_at IS NULL OR channel = 'inbox')
);
CREATE INDEX notice_inbox ON notice (owner, (read_at IS NOT NULL), (-n)) WHERE channel = 'inbox';
CREATE INDEX notice_subscription ON notice (subscription_id);

-- A webhook notice on its way. Due when next_at has passed; a lease moves next_at ahead, so a dead sender's work comes back.
CREATE TABLE delivery (
    notice_id text PRIMARY KEY REFERENCES notice ON DELETE CASCADE,
    n bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    subscription_id text NOT NULL REFERENCES subscription ON DELETE CASCADE,
    conversation text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'exhausted')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    tries integer NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND attempts),
    next_at timestamptz NOT NULL,
    leased_until timestamptz,
    body text,
    delivered_at timestamptz,
    CHECK ((state = 'delivered') = (delivered_at IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX delivery_due ON delivery (subscription_id, next_at, n) WHERE state = 'pending';
CREATE INDEX delivery_order ON delivery (subscription_id, conversation, n) WHERE state = 'pending';
CREATE INDEX delivery_leased ON delivery (subscription_id, leased_until) WHERE state = 'pending' AND leased_until IS NOT NULL;
CREATE INDEX delivery_log ON delivery (subscription_id, n DESC);

-- The delivery log: one row per attempt, never changed. status is null where no answer came.
CREATE TABLE attempt (
    notice_id text NOT NULL REFERENCES delivery ON DELETE CASCADE,
    number integer NOT NULL,
    started_at timestamptz NOT NULL,
    duration_ms integer NOT NULL CHECK (duration_ms >= 0),
    status integer,
    error text NOT NULL DEFAULT '',
    PRIMARY KEY (notice_id, number)
);

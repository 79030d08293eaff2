-- The runtime's own tables, in every service's database: what is announced, what was received, what waits.

-- The journal (outbox): every event this service ever announced, written in the transaction of its cause.
-- Append-only, partitioned by day; "offset" is null until the relay has the broker's acknowledgement.
CREATE TABLE journal (
    day date NOT NULL DEFAULT (now() AT TIME ZONE 'utc')::date,
    n bigint GENERATED ALWAYS AS IDENTITY,
    tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    lane smallint NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    sequence bigint NOT NULL,
    headers text NOT NULL,
    body bytea NOT NULL,
    partition int,
    "offset" bigint,
    PRIMARY KEY (day, n)
) PARTITION BY RANGE (day);
CREATE INDEX journal_unsent ON journal (n) INCLUDE (lane) WHERE "offset" IS NULL;
CREATE INDEX journal_topic ON journal (topic, n);
CREATE TABLE journal_default PARTITION OF journal DEFAULT;

CREATE FUNCTION journal_ensure_partition(wanted date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE name text := 'journal_' || to_char(wanted, 'YYYYMMDD');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('journal_ensure_partition'));
    -- A day that already wrote into the default partition (nobody made partitions for a week) stays there.
    IF to_regclass(name) IS NULL AND NOT EXISTS (SELECT 1 FROM journal_default WHERE day = wanted) THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF journal FOR VALUES FROM (%L) TO (%L)', name, wanted, wanted + 1);
        EXECUTE format('ALTER TABLE %I SET (autovacuum_vacuum_scale_factor = 0.02, fillfactor = 90)', name);
    END IF;
END $$;
SELECT journal_ensure_partition((now() AT TIME ZONE 'utc')::date + ahead) FROM generate_series(0, 7) ahead;

-- Gapless sequence per topic and key; the row lock also orders the transactions of one key.
CREATE TABLE sequence_counter (
    topic text NOT NULL, key text NOT NULL, last bigint NOT NULL, PRIMARY KEY (topic, key)
) WITH (fillfactor = 70);

-- Which log (topic id) the relay has been writing to; another one is resent what it should hold.
CREATE TABLE relay_log (topic text PRIMARY KEY, log text NOT NULL, resent_at timestamptz);

-- The inbox: what each consumer group has dealt with, and how.
CREATE TABLE inbox (
    grp text NOT NULL, source text NOT NULL, id uuid NOT NULL,
    outcome text NOT NULL DEFAULT 'applied'
        CHECK (outcome IN ('applied', 'refused', 'waiting', 'parked', 'dropped')),
    rule text,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (grp, source, id)
);
CREATE INDEX inbox_at ON inbox (at);
CREATE TABLE inbox_sequence (
    grp text NOT NULL, topic text NOT NULL, key text NOT NULL, last bigint NOT NULL, PRIMARY KEY (grp, topic, key)
) WITH (fillfactor = 70);

-- The position in the database is the truth; Kafka's committed offset only shows lag.
CREATE TABLE position (
    grp text NOT NULL, topic text NOT NULL, partition int NOT NULL,
    log text NOT NULL, next_offset bigint NOT NULL, at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (grp, topic, partition)
) WITH (fillfactor = 50);

-- Events that could not be applied, in order behind their key.
CREATE TABLE held_key (
    grp text NOT NULL, topic text NOT NULL, key text NOT NULL, since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (grp, topic, key)
);
CREATE TABLE held (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    grp text NOT NULL, topic text NOT NULL, key text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'parked')),
    partition int NOT NULL, "offset" bigint NOT NULL,
    source text NOT NULL, id uuid NOT NULL, type text NOT NULL, sequence bigint NOT NULL, conversation text NOT NULL,
    headers text NOT NULL, body bytea NOT NULL,
    waits_for text, deadline timestamptz, next_try timestamptz, attempts int NOT NULL DEFAULT 1,
    rule text NOT NULL, error text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (grp, source, id)
);
CREATE INDEX held_order ON held (grp, topic, key, sequence, n);
CREATE INDEX held_waits ON held (waits_for) WHERE state = 'waiting';

-- A money subscription that met a bug stops its whole peer topic.
CREATE TABLE halted (
    grp text NOT NULL, topic text NOT NULL, since timestamptz NOT NULL DEFAULT now(),
    id uuid, rule text NOT NULL, error text NOT NULL, PRIMARY KEY (grp, topic)
);

-- What an operator did to held events, by whom and why.
CREATE TABLE held_log (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(), grp text NOT NULL, source text NOT NULL, id uuid NOT NULL,
    action text NOT NULL CHECK (action IN ('replayed', 'dropped', 'resumed')), who text NOT NULL, why text NOT NULL
);

-- Answers to requests that carried an Idempotency-Key.
CREATE TABLE idempotency (
    person text NOT NULL, key text NOT NULL, request_sha256 text NOT NULL,
    status int, headers text, body bytea, at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person, key)
);
CREATE INDEX idempotency_at ON idempotency (at);

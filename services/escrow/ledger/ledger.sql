-- The ledger: double entry, integers in minor units, nothing posted ever changes.
-- Balances are debit-positive. "Natural" is the balance seen from the account's own side (credit for liabilities).

CREATE TABLE account (
    id                    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code                  text     NOT NULL CHECK (code ~ '^[a-z]+(:[A-Za-z0-9_.-]+)*$'),
    currency              text     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    kind                  text     NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense', 'clearing')),
    side                  smallint NOT NULL GENERATED ALWAYS AS (CASE WHEN kind IN ('asset', 'expense') THEN 1 ELSE -1 END) STORED,
    -- immediate: balance, sequence and pending sums are kept under the row's lock, so floors and limits hold.
    -- deferred: no floor, no limit, no lock; sequence and balance are assigned when the block of the entry closes.
    posting               text     NOT NULL CHECK (posting IN ('immediate', 'deferred')),
    floor_minor           bigint,
    limit_minor           bigint,
    balance_minor         bigint   NOT NULL DEFAULT 0 CHECK (abs(balance_minor) <= 4000000000000000000),
    debit_pending_minor   bigint   NOT NULL DEFAULT 0 CHECK (debit_pending_minor >= 0),
    credit_pending_minor  bigint   NOT NULL DEFAULT 0 CHECK (credit_pending_minor >= 0),
    sequence              bigint   NOT NULL DEFAULT 0 CHECK (sequence >= 0),
    opened_at             timestamptz NOT NULL,
    UNIQUE (code, currency),
    UNIQUE (id, currency),
    CONSTRAINT account_deferred_is_unlimited
        CHECK (posting = 'immediate' OR (floor_minor IS NULL AND limit_minor IS NULL)),
    CONSTRAINT account_floor CHECK (floor_minor IS NULL OR side * balance_minor
        - CASE side WHEN 1 THEN credit_pending_minor ELSE debit_pending_minor END >= floor_minor),
    CONSTRAINT account_limit CHECK (limit_minor IS NULL OR side * balance_minor
        + CASE side WHEN 1 THEN debit_pending_minor ELSE credit_pending_minor END <= limit_minor)
);

-- Every instruction that took effect. One debit and one credit of one positive amount, so a transfer cannot be unbalanced.
CREATE TABLE transfer (
    id                uuid   PRIMARY KEY,               -- the client's; together with the hash it makes a repeat harmless
    payload_sha256    bytea  NOT NULL CHECK (length(payload_sha256) = 32),
    action            text   NOT NULL CHECK (action IN ('post', 'reserve', 'post_hold', 'void_hold')),
    debit_account_id  bigint NOT NULL,
    credit_account_id bigint NOT NULL,
    currency          text   NOT NULL,
    amount_minor      bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
    resolves          uuid   UNIQUE REFERENCES transfer, -- the hold that this posts or voids: one resolution per hold
    link              uuid,                              -- transfers of one link took effect together
    purpose           text   NOT NULL,                   -- deposit, allocation, release, refund, incoming, payout, ...
    reference         text   NOT NULL,                   -- what it is about, such as dea_0198...:1
    posted_at         timestamptz NOT NULL,
    FOREIGN KEY (debit_account_id, currency) REFERENCES account (id, currency),
    FOREIGN KEY (credit_account_id, currency) REFERENCES account (id, currency),
    CHECK (debit_account_id <> credit_account_id),
    CHECK ((resolves IS NOT NULL) = (action IN ('post_hold', 'void_hold')))
);
CREATE INDEX transfer_reserve ON transfer (id) WHERE action = 'reserve';
CREATE INDEX transfer_reference ON transfer (reference);

-- `minor` is signed: debit positive, credit negative. Sequence and balance are NULL on deferred accounts (see entry_position).
CREATE TABLE entry (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer_id   uuid   NOT NULL,
    account_id    bigint NOT NULL,
    minor         bigint NOT NULL CHECK (minor <> 0),
    sequence      bigint CHECK (sequence > 0),
    balance_minor bigint,
    UNIQUE (transfer_id, account_id),
    UNIQUE (account_id, sequence),
    CHECK ((sequence IS NULL) = (balance_minor IS NULL))
);
CREATE INDEX entry_account ON entry (account_id, id);

-- A block is the range first_entry..last_entry of entries, chained by hash.
CREATE TABLE block (
    number          bigint PRIMARY KEY CHECK (number > 0),
    first_entry     bigint NOT NULL UNIQUE,
    last_entry      bigint NOT NULL UNIQUE,
    entries         int    NOT NULL CHECK (entries > 0),
    previous_sha256 text   NOT NULL UNIQUE CHECK (previous_sha256 ~ '^[0-9a-f]{64}$'),
    sha256          text   NOT NULL UNIQUE CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    closed_at       timestamptz NOT NULL,
    CHECK (first_entry <= last_entry)
);

-- What the closing of a block assigned to the entries of deferred accounts.
CREATE TABLE entry_position (
    entry_id      bigint PRIMARY KEY REFERENCES entry,
    account_id    bigint NOT NULL,
    sequence      bigint NOT NULL CHECK (sequence > 0),
    balance_minor bigint NOT NULL,
    UNIQUE (account_id, sequence)
);

-- What is written stays written. A service's role that does not own these tables needs SELECT and INSERT on them, no more;
-- the triggers say the same to the owner.
REVOKE UPDATE, DELETE, TRUNCATE ON transfer, entry, block, entry_position FROM PUBLIC;

CREATE FUNCTION ledger_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: what the ledger has written stays written', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER transfer_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer EXECUTE FUNCTION ledger_immutable();
CREATE TRIGGER entry_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON entry EXECUTE FUNCTION ledger_immutable();
CREATE TRIGGER block_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON block EXECUTE FUNCTION ledger_immutable();
CREATE TRIGGER position_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON entry_position EXECUTE FUNCTION ledger_immutable();
CREATE TRIGGER account_stays BEFORE DELETE OR TRUNCATE ON account EXECUTE FUNCTION ledger_immutable();
CREATE TRIGGER account_identity BEFORE UPDATE OF code, currency, kind, posting ON account EXECUTE FUNCTION ledger_immutable();

-- Zero sum per transfer and currency: balanced.sql.

-- A posted transfer has its two entries; a resolution moves exactly what its hold reserved.
CREATE FUNCTION transfer_complete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM written t
        WHERE (SELECT count(*) FROM entry e WHERE e.transfer_id = t.id)
              <> CASE WHEN t.action IN ('post', 'post_hold') THEN 2 ELSE 0 END
    ) THEN
        RAISE EXCEPTION 'a posted transfer needs its two entries in the same statement'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_complete';
    END IF;
    IF EXISTS (
        SELECT FROM written t LEFT JOIN transfer h ON h.id = t.resolves
        WHERE t.resolves IS NOT NULL
          AND (h.action, h.debit_account_id, h.credit_account_id, h.currency, h.amount_minor)
              IS DISTINCT FROM ('reserve', t.debit_account_id, t.credit_account_id, t.currency, t.amount_minor)
    ) THEN
        RAISE EXCEPTION 'a resolution moves exactly what its hold reserved'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_resolves_its_hold';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transfer_complete AFTER INSERT ON transfer REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION transfer_complete();

-- A hold is a reserving transfer; its state is that of its one resolution.
CREATE VIEW hold AS
SELECT t.id, t.debit_account_id, t.credit_account_id, t.currency, t.amount_minor, t.purpose, t.reference, t.posted_at,
       CASE r.action WHEN 'post_hold' THEN 'posted' WHEN 'void_hold' THEN 'voided' ELSE 'open' END AS state
FROM transfer t LEFT JOIN transfer r ON r.resolves = t.id
WHERE t.action = 'reserve';

-- Entries with sequence and balance after, wherever these were assigned (NULL: deferred and in no block yet).
CREATE VIEW entry_numbered AS
SELECT e.id, e.transfer_id, e.account_id, e.minor,
       COALESCE(e.sequence, p.sequence) AS sequence, COALESCE(e.balance_minor, p.balance_minor) AS balance_minor
FROM entry e LEFT JOIN entry_position p ON p.entry_id = e.id;

-- Balances of this moment: for deferred accounts the last block's plus the entries since, and pending sums from open holds.
CREATE VIEW account_now AS
SELECT a.id, a.code, a.currency, a.kind, a.side, a.posting, a.floor_minor, a.limit_minor,
       a.balance_minor + CASE a.posting WHEN 'immediate' THEN 0 ELSE (
           SELECT COALESCE(sum(e.minor), 0)::bigint FROM entry e
           WHERE e.account_id = a.id AND e.id > (SELECT COALESCE(max(b.last_entry), 0) FROM block b)) END AS balance_minor,
       CASE a.posting WHEN 'immediate' THEN a.debit_pending_minor ELSE (
           SELECT COALESCE(sum(h.amount_minor), 0)::bigint FROM hold h
           WHERE h.state = 'open' AND h.debit_account_id = a.id) END AS debit_pending_minor,
       CASE a.posting WHEN 'immediate' THEN a.credit_pending_minor ELSE (
           SELECT COALESCE(sum(h.amount_minor), 0)::bigint FROM hold h
           WHERE h.state = 'open' AND h.credit_account_id = a.id) END AS credit_pending_minor
FROM account a;

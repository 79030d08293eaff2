-- Payments between centers; tables.py is the same for the program, a test compares the two.

CREATE TABLE direction (
    peer VARCHAR NOT NULL,
    last_number BIGINT NOT NULL,
    PRIMARY KEY (peer),
    CONSTRAINT number_positive CHECK (last_number > 0)
);

CREATE TABLE incoming (
    peer VARCHAR NOT NULL,
    transfer_id VARCHAR NOT NULL,
    deal_id VARCHAR NOT NULL,
    milestone INTEGER,
    payee_organisation_id VARCHAR,
    amount_minor BIGINT,
    currency VARCHAR,
    decision VARCHAR NOT NULL,
    rule VARCHAR,
    decision_number BIGINT NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome VARCHAR,
    PRIMARY KEY (peer, transfer_id),
    CONSTRAINT decision_known CHECK (decision IN ('fulfilled', 'rejected')),
    CONSTRAINT outcome_known CHECK (outcome IN ('posted', 'voided')),
    CONSTRAINT rejected_why CHECK ((decision = 'rejected') = (rule IS NOT NULL)),
    CONSTRAINT amount_positive CHECK (decision = 'rejected' OR amount_minor > 0),
    CONSTRAINT number_positive CHECK (decision_number > 0),
    UNIQUE (peer, decision_number)
);
CREATE INDEX incoming_deal ON incoming (deal_id, milestone);

CREATE TABLE outgoing (
    transfer_id VARCHAR NOT NULL,
    peer VARCHAR NOT NULL,
    deal_id VARCHAR NOT NULL,
    milestone INTEGER NOT NULL,
    payee_organisation_id VARCHAR NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR NOT NULL,
    hold UUID NOT NULL,
    prepared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    cancel_asked_by VARCHAR,
    decision VARCHAR,
    rule VARCHAR,
    decision_number BIGINT,
    decided_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (transfer_id),
    CONSTRAINT decision_known CHECK (decision IN ('fulfilled', 'rejected')),
    CONSTRAINT decision_numbered CHECK ((decision IS NULL) = (decision_number IS NULL)),
    CONSTRAINT decision_dated CHECK ((decision IS NULL) = (decided_at IS NULL)),
    CONSTRAINT amount_positive CHECK (amount_minor > 0),
    UNIQUE (peer, decision_number),
    UNIQUE (hold)
);
CREATE INDEX outgoing_deal ON outgoing (deal_id);

-- A decision is final: neither the payee's center's own nor the one the payer's center was told is ever changed.
CREATE FUNCTION decision_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (OLD.decision IS NOT NULL AND (NEW.decision, NEW.rule, NEW.decision_number, NEW.decided_at)
                            IS DISTINCT FROM (OLD.decision, OLD.rule, OLD.decision_number, OLD.decided_at)) THEN
        RAISE EXCEPTION 'the decision about transfer % is final', OLD.transfer_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decision_stays BEFORE UPDATE OR DELETE ON outgoing FOR EACH ROW EXECUTE FUNCTION decision_stays();
CREATE TRIGGER decision_stays BEFORE UPDATE OR DELETE ON incoming FOR EACH ROW EXECUTE FUNCTION decision_stays();

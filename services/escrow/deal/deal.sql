-- Deals, their milestones, approvals and deposits; tables.py is the same for the program, a test compares the two.

CREATE TABLE approval (
    id BIGSERIAL NOT NULL,
    deal_id VARCHAR NOT NULL,
    number INTEGER NOT NULL,
    purpose VARCHAR NOT NULL,
    covers_sha256 VARCHAR NOT NULL,
    maker VARCHAR NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    checker VARCHAR,
    checked_at TIMESTAMP WITH TIME ZONE,
    transfer_id VARCHAR,
    voided_at TIMESTAMP WITH TIME ZONE,
    void_reason VARCHAR,
    PRIMARY KEY (id),
    CONSTRAINT purpose_known CHECK (purpose IN ('release', 'refund')),
    CONSTRAINT two_people CHECK (checker <> maker),
    CONSTRAINT checked_when CHECK ((checker IS NULL) = (checked_at IS NULL)),
    CONSTRAINT voided_why CHECK ((voided_at IS NULL) = (void_reason IS NULL)),
    UNIQUE (transfer_id)
);
CREATE UNIQUE INDEX approval_live ON approval (deal_id, number) WHERE voided_at IS NULL;

CREATE TABLE deal (
    id VARCHAR NOT NULL,
    side VARCHAR NOT NULL,
    home VARCHAR NOT NULL,
    seller_center VARCHAR NOT NULL,
    interest_id VARCHAR NOT NULL,
    listing_id VARCHAR NOT NULL,
    demand_id VARCHAR NOT NULL,
    buyer_organisation_id VARCHAR NOT NULL,
    seller_organisation_id VARCHAR NOT NULL,
    organisation_id VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    contract_type VARCHAR,
    contract_sha256 VARCHAR,
    currency VARCHAR,
    total_minor BIGINT,
    version INTEGER NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id, side),
    CONSTRAINT side_known CHECK (side IN ('home', 'seller')),
    CONSTRAINT state_known CHECK (state IN ('opened', 'reserved', 'proposed', 'agreed', 'funded', 'completed', 'cancelled')),
    UNIQUE (interest_id, side),
    CONSTRAINT total_has_currency CHECK ((currency IS NULL) = (total_minor IS NULL)),
    CONSTRAINT total_positive CHECK (total_minor > 0)
);
CREATE INDEX deal_organisation ON deal (organisation_id);

CREATE TABLE deposit (
    bank_reference VARCHAR NOT NULL,
    deal_id VARCHAR NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR NOT NULL,
    recorded_by VARCHAR NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (bank_reference),
    CONSTRAINT amount_positive CHECK (amount_minor > 0),
    UNIQUE (deal_id)
);

CREATE TABLE milestone (
    deal_id VARCHAR NOT NULL,
    side VARCHAR NOT NULL,
    number INTEGER NOT NULL,
    title VARCHAR NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    evidence_sha256 VARCHAR,
    transfer_id VARCHAR,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (deal_id, side, number),
    FOREIGN KEY(deal_id, side) REFERENCES deal (id, side),
    CONSTRAINT state_known CHECK (state IN ('pending', 'delivered', 'accepted', 'releasing', 'paid', 'refund_requested', 'refunded')),
    CONSTRAINT amount_positive CHECK (amount_minor > 0),
    CONSTRAINT number_positive CHECK (number > 0),
    UNIQUE (side, transfer_id)
);

-- That money leaves a deal only by the approval of two different people: guards.sql.

-- An approval that was given is never rewritten: it is checked once, voided once, and otherwise stays.
CREATE FUNCTION approval_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
       OR (NEW.deal_id, NEW.number, NEW.purpose, NEW.covers_sha256, NEW.maker, NEW.made_at)
          IS DISTINCT FROM (OLD.deal_id, OLD.number, OLD.purpose, OLD.covers_sha256, OLD.maker, OLD.made_at)
       OR (OLD.checker IS NOT NULL AND (NEW.checker, NEW.checked_at, NEW.transfer_id)
           IS DISTINCT FROM (OLD.checker, OLD.checked_at, OLD.transfer_id))
       OR (OLD.voided_at IS NOT NULL AND (NEW.voided_at, NEW.void_reason) IS DISTINCT FROM (OLD.voided_at, OLD.void_reason))
    THEN
        RAISE EXCEPTION 'an approval is not rewritten' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approval_stays BEFORE UPDATE OR DELETE ON approval FOR EACH ROW EXECUTE FUNCTION approval_stays();

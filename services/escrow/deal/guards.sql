-- What the database refuses about deals, whatever code asks; and what this center itself said about interests.

-- An interest as this center's own matching service said it: at the seeker's center when it was expressed, at the owner's
-- when it was accepted. A deal is opened for such a one only, so no other center can name who buys or sells here.
CREATE TABLE interest (
    id VARCHAR NOT NULL,
    side VARCHAR NOT NULL,
    peer VARCHAR NOT NULL,
    demand_id VARCHAR NOT NULL,
    offer_id VARCHAR NOT NULL,
    buyer_organisation_id VARCHAR NOT NULL,
    seller_organisation_id VARCHAR,
    PRIMARY KEY (id, side),
    CONSTRAINT side_known CHECK (side IN ('home', 'seller'))
);

-- The transfer's id on the seller's row is the home's word: two homes may say the same, and neither stops the other.
ALTER TABLE milestone DROP CONSTRAINT milestone_side_transfer_id_key;
ALTER TABLE milestone ADD UNIQUE (deal_id, side, transfer_id);

-- Money leaves a deal only by an approval of two different people for that milestone, amount and payee: checked at commit
-- for every transfer that takes money out of a deal's accounts, under whatever purpose, and for whatever calls itself a
-- release or a refund.
DROP TRIGGER IF EXISTS transfer_approved ON transfer;
CREATE OR REPLACE FUNCTION transfer_approved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE source text; target text;
BEGIN
    SELECT d.code, c.code INTO source, target FROM account d, account c
    WHERE d.id = NEW.debit_account_id AND c.id = NEW.credit_account_id;
    IF NEW.purpose NOT IN ('release', 'refund')
       AND (NOT starts_with(source, 'deal:') OR starts_with(target, 'deal:' || split_part(source, ':', 2) || ':')) THEN
        RETURN NULL;
    END IF;
    IF NOT EXISTS (
        SELECT FROM approval a JOIN deal d ON d.id = a.deal_id AND d.side = 'home'
        CROSS JOIN LATERAL (SELECT CASE a.purpose WHEN 'release' THEN d.seller_organisation_id
                                                  ELSE d.buyer_organisation_id END AS payee) p
        WHERE a.transfer_id = 'trf_' || replace(NEW.id::text, '-', '') AND a.purpose = NEW.purpose
          AND a.checker <> a.maker AND a.voided_at IS NULL AND NEW.reference = a.deal_id || ':' || a.number
          AND source = 'deal:' || a.deal_id || ':ms:' || a.number
          AND target = CASE WHEN a.purpose = 'release' AND d.seller_center <> d.home THEN 'clr:' || d.seller_center
                            ELSE 'party:' || p.payee || ':payable' END
          AND a.covers_sha256 = encode(sha256(convert_to(concat_ws(E'\n', a.deal_id, a.number, a.purpose, p.payee,
              NEW.currency, NEW.amount_minor), 'UTF8')), 'hex')
    ) THEN
        RAISE EXCEPTION 'transfer % for % is approved by no two people', NEW.id, NEW.purpose
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_approved';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER transfer_approved AFTER INSERT ON transfer DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.action IN ('post', 'reserve')) EXECUTE FUNCTION transfer_approved();

-- Row triggers don't see TRUNCATE; a deposit is the bank's word and stays as it was read.
CREATE TRIGGER approval_not_emptied BEFORE TRUNCATE ON approval EXECUTE FUNCTION ledger_immutable();
CREATE TRIGGER outgoing_not_emptied BEFORE TRUNCATE ON outgoing EXECUTE FUNCTION ledger_immutable();
CREATE TRIGGER incoming_not_emptied BEFORE TRUNCATE ON incoming EXECUTE FUNCTION ledger_immutable();
CREATE TRIGGER deposit_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON deposit EXECUTE FUNCTION ledger_immutable();

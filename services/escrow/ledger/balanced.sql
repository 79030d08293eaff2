-- Zero sum per transfer and currency: the entries of a transfer are its one debit and its one credit, no more, no fewer,
-- on its two accounts (an entry on a third one compares as unknown, which is not true).
-- Checked once per inserting statement, which therefore brings both sides (ledger_post writes transfer and entries in one).
CREATE OR REPLACE FUNCTION entry_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT transfer_id FROM written) w
        LEFT JOIN transfer t ON t.id = w.transfer_id AND t.action IN ('post', 'post_hold')
        WHERE t.id IS NULL OR NOT (SELECT count(*) = 2
                AND bool_and((e.minor = CASE e.account_id WHEN t.debit_account_id THEN t.amount_minor
                                                          WHEN t.credit_account_id THEN -t.amount_minor END) IS TRUE)
                AND sum(e.minor) = 0
            FROM entry e WHERE e.transfer_id = w.transfer_id)
    ) THEN
        RAISE EXCEPTION 'entries are not the one debit and the one credit of their transfer'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_balanced';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER entry_balanced AFTER INSERT ON entry REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION entry_balanced();

-- ledger_post(batch, at): posts a batch in one round trip. `batch` is a JSON array of
--   {id, action, debit, credit, currency, amount_minor, resolves, link, purpose, reference}
-- action post | reserve | post_hold | void_hold; the last two name the hold by `resolves` and take accounts and amount from it.
-- Returns one row per item, in the batch's order: position (from 1), id, outcome:
--   posted | reserved | voided          it took effect (post and post_hold | reserve | void_hold)
--   replayed                            it had taken effect before, with the same payload
--   conflict                            the id had taken effect with another payload
--   unknown_account | currency_mismatch no such account | the account exists in other currencies only
--   insufficient | limit                the balance would fall below its floor | rise above its limit
--   unknown_hold | resolved             no such hold committed | the hold was posted or voided by another transfer
--   same_account | bad_amount           debit and credit are one account | amount not within 1..10^15
--   linked                              another transfer of the same link could not take effect
-- What did not take effect leaves no trace: the same id may be tried again.
-- Immediate accounts are locked in the order of their ids, so two batches never deadlock on accounts.
-- Needs READ COMMITTED: what concurrent callers wrote must be seen once the locks are held.

CREATE OR REPLACE FUNCTION ledger_post_once(batch jsonb, at timestamptz)
RETURNS TABLE (item int, id uuid, outcome text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    amount_max CONSTANT bigint := 1000000000000000;
    balance_max CONSTANT numeric := 4000000000000000000;
    locked bigint[]; sides int[]; floors bigint[]; limits bigint[];       -- locked accounts, by position
    balances bigint[]; debits bigint[]; credits bigint[]; sequences bigint[];
    size CONSTANT int := jsonb_array_length(batch);
    ids uuid[] := array_fill(NULL::uuid, ARRAY[size]); outcomes text[] := array_fill(NULL::text, ARRAY[size]);  -- by item
    settled bytea[] := array_fill(NULL::bytea, ARRAY[size]);  -- payload hash of what took effect here, by its id's first item
    resolving boolean[] := array_fill(false, ARRAY[size]);    -- hold resolved here, by the first item that names it
    transfers transfer[] := '{}'; entries entry[] := '{}';    -- what will be written
    t record; code text; moved bigint; pended bigint;
    current_link uuid; link_failed boolean := false; before record; member int; members int[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(4851230001);  -- ledger_cut waits for it: see blocks.py

    SELECT array_agg(a.id), array_agg(a.side), array_agg(a.floor_minor), array_agg(a.limit_minor), array_agg(a.balance_minor),
           array_agg(a.debit_pending_minor), array_agg(a.credit_pending_minor), array_agg(a.sequence)
    INTO locked, sides, floors, limits, balances, debits, credits, sequences
    FROM (
        SELECT * FROM account WHERE posting = 'immediate' AND id IN (
            SELECT a.id FROM jsonb_to_recordset(batch) AS i(debit text, credit text, currency text)
            JOIN account a ON a.code IN (i.debit, i.credit) AND a.currency = i.currency
            UNION ALL
            SELECT unnest(ARRAY[h.debit_account_id, h.credit_account_id])
            FROM jsonb_to_recordset(batch) AS i(resolves uuid) JOIN transfer h ON h.id = i.resolves
        ) ORDER BY id FOR NO KEY UPDATE
    ) a;

    FOR t IN
        SELECT i.*, h.id AS hold, r.id AS resolution, k.payload_sha256 AS known, dp.position AS d, cp.position AS c,
               COALESCE(h.debit_account_id, da.id) AS debit_id, COALESCE(h.credit_account_id, ca.id) AS credit_id,
               COALESCE(h.currency, i.currency) AS money, COALESCE(h.amount_minor, i.amount_minor) AS amount,
               -- It was opened, or its hold made, after the locks were taken: nobody may write to it unlocked.
               (dp.position IS NULL AND COALESCE(hd.posting, da.posting) = 'immediate')
               OR (cp.position IS NULL AND COALESCE(hc.posting, ca.posting) = 'immediate') AS unlocked
        FROM (
            SELECT j.n, j.id, j.action, j.debit, j.credit, j.currency, j.amount_minor, j.resolves, j.link, j.purpose, j.reference,
                   sha256(convert_to(jsonb_build_array(j.action, j.debit, j.credit, j.currency, j.amount_minor, j.resolves,
                                                       j.link, j.purpose, j.reference)::text, 'UTF8')) AS sha,
                   min(j.n) OVER (PARTITION BY j.id) AS first_of_id,
                   min(j.n) OVER (PARTITION BY j.resolves) AS first_of_hold,
                   CASE WHEN j.link IS NULL THEN j.n ELSE min(j.n) OVER (PARTITION BY j.link) END AS place
            FROM ROWS FROM (jsonb_to_recordset(batch) AS (id uuid, action text, debit text, credit text, currency text,
                     amount_minor bigint, resolves uuid, link uuid, purpose text, reference text))
                 WITH ORDINALITY AS j(id, action, debit, credit, currency, amount_minor, resolves, link, purpose, reference, n)
        ) i
        LEFT JOIN transfer k ON k.id = i.id
        LEFT JOIN transfer h ON h.id = i.resolves AND h.action = 'reserve'
        LEFT JOIN account hd ON hd.id = h.debit_account_id
        LEFT JOIN account hc ON hc.id = h.credit_account_id
        LEFT JOIN transfer r ON r.resolves = i.resolves
        LEFT JOIN account da ON da.code = i.debit AND da.currency = i.currency
        LEFT JOIN account ca ON ca.code = i.credit AND ca.currency = i.currency
        LEFT JOIN unnest(locked) WITH ORDINALITY AS dp(id, position) ON dp.id = COALESCE(h.debit_account_id, da.id)
        LEFT JOIN unnest(locked) WITH ORDINALITY AS cp(id, position) ON cp.id = COALESCE(h.credit_account_id, ca.id)
        ORDER BY i.place, i.n
    LOOP
        IF t.link IS DISTINCT FROM current_link THEN
            current_link := t.link; link_failed := false; members := '{}';
            IF t.link IS NOT NULL THEN
                SELECT balances, debits, credits, sequences, settled, resolving, transfers, entries INTO before;
            END IF;
        END IF;
        ids[t.n] := t.id;

        IF link_failed THEN code := 'linked';
        ELSIF t.known IS NOT NULL OR settled[t.first_of_id] IS NOT NULL THEN
            code := CASE WHEN COALESCE(t.known, settled[t.first_of_id]) = t.sha THEN 'replayed' ELSE 'conflict' END;
        ELSIF t.resolves IS NOT NULL AND t.hold IS NULL THEN code := 'unknown_hold';
        ELSIF t.resolves IS NOT NULL AND (t.resolution IS NOT NULL OR resolving[t.first_of_hold]) THEN code := 'resolved';
        ELSIF t.debit_id IS NULL OR t.credit_id IS NULL THEN
            code := CASE WHEN (t.debit_id IS NOT NULL OR EXISTS (SELECT FROM account x WHERE x.code = t.debit))
                          AND (t.credit_id IS NOT NULL OR EXISTS (SELECT FROM account x WHERE x.code = t.credit))
                         THEN 'currency_mismatch' ELSE 'unknown_account' END;
        ELSIF t.unlocked THEN
            RAISE EXCEPTION 'an account of transfer % appeared while the locks were waited for', t.id
                USING ERRCODE = 'serialization_failure';
        ELSIF t.debit_id = t.credit_id THEN code := 'same_account';
        ELSIF t.amount IS NULL OR t.amount NOT BETWEEN 1 AND amount_max THEN code := 'bad_amount';
        ELSE
            code := CASE t.action WHEN 'reserve' THEN 'reserved' WHEN 'void_hold' THEN 'voided' ELSE 'posted' END;
            -- A resolution changes no available amount, so only post and reserve can meet a floor or a limit.
            IF t.resolves IS NULL THEN
                IF (sides[t.d] = -1 AND -balances[t.d] - debits[t.d] - t.amount < floors[t.d])
                   OR (sides[t.c] = 1 AND balances[t.c] - credits[t.c] - t.amount < floors[t.c]) THEN code := 'insufficient';
                ELSIF (sides[t.d] = 1 AND balances[t.d] + debits[t.d] + t.amount > limits[t.d])
                   OR (sides[t.c] = -1 AND -balances[t.c] + credits[t.c] + t.amount > limits[t.c])
                   OR balances[t.d]::numeric + debits[t.d] + t.amount > balance_max
                   OR balances[t.c]::numeric - credits[t.c] - t.amount < -balance_max THEN code := 'limit';
                END IF;
            END IF;
        END IF;
        outcomes[t.n] := code;

        IF code IN ('posted', 'reserved', 'voided') THEN
            moved := CASE WHEN code = 'posted' THEN t.amount ELSE 0 END;
            pended := CASE WHEN code = 'reserved' THEN t.amount WHEN t.resolves IS NULL THEN 0 ELSE -t.amount END;
            IF t.d IS NOT NULL THEN
                balances[t.d] := balances[t.d] + moved; debits[t.d] := debits[t.d] + pended;
                sequences[t.d] := sequences[t.d] + sign(moved)::bigint;
            END IF;
            IF t.c IS NOT NULL THEN
                balances[t.c] := balances[t.c] - moved; credits[t.c] := credits[t.c] + pended;
                sequences[t.c] := sequences[t.c] + sign(moved)::bigint;
            END IF;
            transfers := array_append(transfers, ROW(t.id, t.sha, t.action, t.debit_id, t.credit_id, t.money, t.amount,
                                                     t.resolves, t.link, t.purpose, t.reference, at)::transfer);
            IF moved > 0 THEN
                entries := array_append(entries, ROW(NULL, t.id, t.debit_id, moved, sequences[t.d], balances[t.d])::entry);
                entries := array_append(entries, ROW(NULL, t.id, t.credit_id, -moved, sequences[t.c], balances[t.c])::entry);
            END IF;
            settled[t.first_of_id] := t.sha;
            IF t.resolves IS NOT NULL THEN resolving[t.first_of_hold] := true; END IF;
            IF t.link IS NOT NULL THEN members := array_append(members, t.n::int); END IF;
        ELSIF t.link IS NOT NULL AND NOT link_failed AND code <> 'replayed' THEN
            link_failed := true;
            balances := before.balances; debits := before.debits; credits := before.credits; sequences := before.sequences;
            settled := before.settled; resolving := before.resolving;
            transfers := before.transfers; entries := before.entries;
            FOREACH member IN ARRAY members LOOP outcomes[member] := 'linked'; END LOOP;
        END IF;
    END LOOP;

    WITH written AS (
        INSERT INTO transfer SELECT * FROM unnest(transfers)
    )
    INSERT INTO entry (transfer_id, account_id, minor, sequence, balance_minor)
    SELECT transfer_id, account_id, minor, sequence, balance_minor
    FROM unnest(entries) WITH ORDINALITY AS e(none, transfer_id, account_id, minor, sequence, balance_minor, place)
    ORDER BY place;

    UPDATE account a
    SET balance_minor = u.balance, debit_pending_minor = u.debit, credit_pending_minor = u.credit, sequence = u.sequence
    FROM unnest(locked, balances, debits, credits, sequences) AS u(id, balance, debit, credit, sequence)
    WHERE a.id = u.id AND (a.sequence, a.debit_pending_minor, a.credit_pending_minor) <> (u.sequence, u.debit, u.credit);

    RETURN QUERY SELECT o.n::int, o.id, o.outcome FROM unnest(ids, outcomes) WITH ORDINALITY AS o(id, outcome, n);
END $$;

-- Two callers may bring the same id or resolve the same hold at once where no immediate account makes them queue; then the
-- unique index stops the second, which looks again and finds the first's work. The same where an account or a hold appears
-- between taking the locks and reading.
CREATE OR REPLACE FUNCTION ledger_post(batch jsonb, at timestamptz)
RETURNS TABLE (item int, id uuid, outcome text) LANGUAGE plpgsql AS $$
BEGIN
    FOR attempt IN 1..3 LOOP
        BEGIN
            RETURN QUERY SELECT * FROM ledger_post_once(batch, at);
            RETURN;
        EXCEPTION WHEN unique_violation OR serialization_failure THEN
            IF attempt = 3 THEN RAISE; END IF;
        END;
    END LOOP;
END $$;

-- ledger_cut(): the highest entry below which nothing is still on its way, because every posting transaction holds the
-- shared lock until its end. The caller commits at once, so posting waits for the transactions in flight, no longer.
CREATE OR REPLACE FUNCTION ledger_cut() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(4851230001);
    RETURN (SELECT COALESCE(max(e.id), 0) FROM entry e);
END $$;

"""The invariants of one center's money as data: what must hold, where it is computed from, and the query.

Each query returns one row: `breaches` (0 where it holds) and `figures` (JSON, by currency where money is meant).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant. `sources` are the tables it is computed from."""

    name: str
    says: str
    sources: str
    sql: str


CHECKS: Final = (
    Check(
        "trial-balance",
        "Debits equal credits in every currency.",
        "entry, account",
        """
        SELECT count(*) FILTER (WHERE entries <> 0 OR accounts <> 0) AS breaches,
               COALESCE(jsonb_object_agg(currency,
                   jsonb_build_object('entries', entries, 'accounts', accounts)), '{}') AS figures
        FROM (SELECT n.currency, sum(n.balance_minor) AS accounts,
                     (SELECT COALESCE(sum(e.minor), 0) FROM entry e JOIN account a ON a.id = e.account_id
                      WHERE a.currency = n.currency) AS entries
              FROM account_now n GROUP BY n.currency) c
        """,
    ),
    Check(
        "transfers-balanced",
        "Every posted transfer has one debit and one credit of its amount; nothing else has entries.",
        "transfer, entry",
        """
        SELECT count(*) FILTER (WHERE NOT good) AS breaches, jsonb_build_object('transfers', count(*)) AS figures
        FROM (SELECT COALESCE(t.action IN ('post', 'post_hold'), false) = (count(e.id) > 0)
                     AND (count(e.id) = 0 OR (count(e.id) = 2 AND sum(e.minor) = 0 AND bool_and((e.minor =
                         CASE e.account_id WHEN t.debit_account_id THEN t.amount_minor
                                           WHEN t.credit_account_id THEN -t.amount_minor END) IS TRUE))) AS good
              FROM transfer t FULL JOIN entry e ON e.transfer_id = t.id GROUP BY t.id, e.transfer_id) x
        """,
    ),
    Check(
        "balances",
        "Every balance and sequence is the sum and count of its entries, after each entry and now.",
        "account, entry, entry_position",
        """
        SELECT (SELECT count(*) FROM (
                    SELECT n.sequence, n.balance_minor, row_number() OVER w AS at, sum(n.minor) OVER w AS total
                    FROM entry_numbered n WINDOW w AS (PARTITION BY n.account_id ORDER BY n.id)) x
                WHERE balance_minor IS NOT NULL AND (sequence, balance_minor) <> (at, total))
             + (SELECT count(*) FROM account_now a
                WHERE a.balance_minor <>
                    (SELECT COALESCE(sum(e.minor), 0) FROM entry e WHERE e.account_id = a.id)) AS breaches,
               jsonb_build_object('accounts', (SELECT count(*) FROM account),
                                  'entries', (SELECT count(*) FROM entry)) AS figures
        """,
    ),
    Check(
        "floors-and-limits",
        "No account is below its floor or above its limit, with what is reserved.",
        "account",
        """
        SELECT count(*) FILTER (WHERE natural_minor - leaving < floor_minor OR natural_minor + coming > limit_minor)
                   AS breaches,
               jsonb_build_object('bounded', count(COALESCE(floor_minor, limit_minor))) AS figures
        FROM (SELECT side * balance_minor AS natural_minor, floor_minor, limit_minor,
                     CASE side WHEN 1 THEN credit_pending_minor ELSE debit_pending_minor END AS leaving,
                     CASE side WHEN 1 THEN debit_pending_minor ELSE credit_pending_minor END AS coming
              FROM account_now) a
        """,
    ),
    Check(
        "holds",
        "Reserved sums are those of open holds; every hold has at most one resolution, and payments agree with it.",
        "account, transfer (hold), outgoing",
        """
        SELECT (SELECT count(*) FROM account a WHERE a.posting = 'immediate' AND (
                    a.debit_pending_minor <> (SELECT COALESCE(sum(amount_minor), 0) FROM hold h
                                              WHERE h.state = 'open' AND h.debit_account_id = a.id)
                 OR a.credit_pending_minor <> (SELECT COALESCE(sum(amount_minor), 0) FROM hold h
                                               WHERE h.state = 'open' AND h.credit_account_id = a.id)))
             + (SELECT count(*) - count(DISTINCT resolves) FROM transfer WHERE resolves IS NOT NULL)
             + (SELECT count(*) FROM outgoing o FULL JOIN hold h ON h.id = o.hold
                WHERE (o.hold IS NOT NULL OR h.purpose = 'release')
                  AND (h.state, h.amount_minor, h.currency) IS DISTINCT FROM (
                    CASE WHEN o.decision = 'fulfilled' THEN 'posted' WHEN o.decision = 'rejected' THEN 'voided'
                         WHEN o.hold IS NOT NULL THEN 'open' END,
                    o.amount_minor, o.currency)) AS breaches,
               (SELECT jsonb_build_object('open', count(*) FILTER (WHERE state = 'open'), 'holds', count(*))
                FROM hold) AS figures
        """,
    ),
    Check(
        "money-in-and-out",
        "Deposits less payouts are what the banks hold and what is on its way to them.",
        "deposit, transfer (payout), account (bank:*, payout:inflight)",
        """
        SELECT count(*) FILTER (WHERE deposits - payouts <> bank + in_transit) AS breaches,
               COALESCE(jsonb_object_agg(currency, jsonb_build_object(
                   'deposits', deposits, 'payouts', payouts, 'bank', bank, 'in_transit', in_transit)), '{}') AS figures
        FROM (SELECT c.currency,
                (SELECT COALESCE(sum(d.amount_minor), 0) FROM deposit d WHERE d.currency = c.currency) AS deposits,
                (SELECT COALESCE(sum(t.amount_minor), 0) FROM transfer t WHERE t.currency = c.currency
                    AND t.purpose = 'payout' AND t.action IN ('post', 'post_hold')) AS payouts,
                (SELECT COALESCE(sum(a.balance_minor), 0) FROM account_now a
                 WHERE a.currency = c.currency AND a.code LIKE 'bank:%') AS bank,
                (SELECT COALESCE(sum(a.balance_minor), 0) FROM account_now a
                 WHERE a.currency = c.currency AND a.code = 'payout:inflight') AS in_transit
              FROM (SELECT currency FROM account UNION SELECT currency FROM deposit) c) x
        """,
    ),
    Check(
        "deals",
        "What a deal was funded with is what it holds, paid and refunded.",
        "deposit, account (deal:*), transfer (release, settlement, refund)",
        """
        SELECT count(*) FILTER (WHERE funded <> held + left_it) AS breaches,
               jsonb_build_object('deals', count(*), 'funded', COALESCE(sum(funded), 0), 'held', COALESCE(sum(held), 0),
                                  'paid_or_refunded', COALESCE(sum(left_it), 0)) AS figures
        FROM (SELECT d.deal_id, d.amount_minor AS funded,
                (SELECT COALESCE(-sum(a.balance_minor), 0) FROM account a
                 WHERE starts_with(a.code, 'deal:' || d.deal_id || ':') AND a.currency = d.currency) AS held,
                (SELECT COALESCE(sum(t.amount_minor), 0) FROM transfer t
                 WHERE starts_with(t.reference, d.deal_id || ':') AND t.action IN ('post', 'post_hold')
                   AND t.purpose IN ('release', 'settlement', 'refund')) AS left_it
              FROM deposit d) x
        """,
    ),
    Check(
        "milestones",
        "A funded milestone holds its amount until it is paid or refunded, reserved while its payment is undecided.",
        "milestone, deposit, account (deal:*:ms:*)",
        """
        SELECT count(*) FILTER (WHERE (held, reserved) IS DISTINCT FROM (
                   CASE WHEN state IN ('paid', 'refunded') THEN 0 ELSE amount_minor END,
                   CASE WHEN state = 'releasing' THEN amount_minor ELSE 0 END)) AS breaches,
               jsonb_build_object('milestones', count(*)) AS figures
        FROM (SELECT m.state, m.amount_minor, -a.balance_minor AS held, a.debit_pending_minor AS reserved
              FROM milestone m JOIN deposit d ON d.deal_id = m.deal_id
              LEFT JOIN account a ON a.code = 'deal:' || m.deal_id || ':ms:' || m.number AND a.currency = m.currency
              WHERE m.side = 'home') x
        """,
    ),
    Check(
        "two-people",
        "Whatever left a deal was approved by two different people, for that amount, payee and milestone.",
        "transfer, account, approval, deal",
        """
        SELECT count(*) FILTER (WHERE NOT approved) AS breaches, jsonb_build_object('movements', count(*)) AS figures
        FROM (SELECT EXISTS (
                  SELECT FROM approval a JOIN deal d ON d.id = a.deal_id AND d.side = 'home'
                  CROSS JOIN LATERAL (SELECT CASE a.purpose WHEN 'release' THEN d.seller_organisation_id
                                                            ELSE d.buyer_organisation_id END AS payee) p
                  WHERE a.transfer_id = 'trf_' || replace(t.id::text, '-', '') AND a.purpose = t.purpose
                    AND a.checker IS NOT NULL AND a.checker <> a.maker AND t.reference = a.deal_id || ':' || a.number
                    AND source.code = 'deal:' || a.deal_id || ':ms:' || a.number
                    AND target.code = CASE WHEN a.purpose = 'release' AND d.seller_center <> d.home
                        THEN 'clr:' || d.seller_center ELSE 'party:' || p.payee || ':payable' END
                    AND a.covers_sha256 = encode(sha256(convert_to(concat_ws(E'\\n', a.deal_id, a.number, a.purpose,
                        p.payee, t.currency, t.amount_minor), 'UTF8')), 'hex')
                    AND (a.voided_at IS NULL OR EXISTS (
                        SELECT FROM transfer v WHERE v.resolves = t.id AND v.action = 'void_hold'))) AS approved
              FROM transfer t
              JOIN account source ON source.id = t.debit_account_id
              JOIN account target ON target.id = t.credit_account_id
              WHERE t.action IN ('post', 'reserve') AND (t.purpose IN ('release', 'refund')
                    OR (starts_with(source.code, 'deal:')
                        AND NOT starts_with(target.code, 'deal:' || split_part(source.code, ':', 2) || ':')))) x
        """,
    ),
    Check(
        "decisions",
        "Decisions to each peer are numbered 1, 2, 3, ..., each fulfilled one credited its payee once, and every clr"
        " account is what was decided and settled.",
        "incoming, direction, outgoing, transfer (incoming), account (clr:*)",
        """
        SELECT (SELECT count(*) FROM (
                    SELECT peer, count(*) AS n, max(decision_number) AS top FROM incoming GROUP BY peer) i
                FULL JOIN direction d USING (peer) WHERE (i.n, i.top) IS DISTINCT FROM (d.last_number, d.last_number))
             + (SELECT count(*) FROM (
                    SELECT 'clr:' || peer AS owed, 'party:' || payee_organisation_id || ':payable' AS payee,
                           deal_id || ':' || milestone AS about, currency, amount_minor
                    FROM incoming WHERE decision = 'fulfilled') i
                FULL JOIN (
                    SELECT d.code AS owed, c.code AS payee, t.reference AS about, t.currency, t.amount_minor
                    FROM transfer t
                    JOIN account d ON d.id = t.debit_account_id JOIN account c ON c.id = t.credit_account_id
                    WHERE t.purpose = 'incoming') c USING (owed, payee, about, currency, amount_minor)
                WHERE i IS NULL OR c IS NULL)
             + (SELECT count(*) FROM account_now a WHERE a.code LIKE 'clr:%' AND a.balance_minor <>
                    (SELECT COALESCE(sum(i.amount_minor), 0) FROM incoming i WHERE i.decision = 'fulfilled'
                        AND i.currency = a.currency AND 'clr:' || i.peer = a.code)
                  - (SELECT COALESCE(sum(o.amount_minor), 0) FROM outgoing o WHERE o.decision = 'fulfilled'
                        AND o.currency = a.currency AND 'clr:' || o.peer = a.code)) AS breaches,
               jsonb_build_object('decided', (SELECT count(*) FROM incoming),
                                  'undecided', (SELECT count(*) FROM outgoing WHERE decision IS NULL)) AS figures
        """,
    ),
)

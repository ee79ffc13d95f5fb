/* Which refunds give money back. Until 2025-03-31.basil Stripe also made refunds to release what was only held. */
create function staging.is_money_back(
    refund_status text,
    has_balance_transaction boolean,
    reporting_category text,
    is_captured boolean,
    charge_minor bigint,
    captured_minor bigint
) returns boolean
language sql
immutable parallel safe
as $$
    select
        refund_status in ('succeeded', 'pending')
        -- the release of an authorisation of which nothing was taken: no balance was touched
        and is_captured is distinct from false
        and not (refund_status = 'succeeded' and has_balance_transaction is false)
        -- The release of the rest, when a part was taken: the balance had the whole charge, and this back. Where the
        -- charge counts by what was taken, it has been left out there.
        and not coalesce(
            reporting_category = 'partial_capture_reversal' and coalesce(captured_minor < charge_minor, true), false
        )
$$;
comment on function staging.is_money_back(text, boolean, text, boolean, bigint, bigint) is
'Whether a refund counts, from its own state, the category of its balance transaction (null: not known), and its '
'charge (nulls: not known). https://docs.stripe.com/reports/reporting-categories';

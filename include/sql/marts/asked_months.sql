/* Grain: one row per account, currency and month asked for. Where the queries of the Revenue page begin. */
create function mart.asked_months(
    p_currency text, p_livemode boolean, p_from_month date, p_until_month date, p_grain text, p_account_id text
) returns table (
    account_id text,
    livemode boolean,
    currency text,
    month date,
    period date,
    months integer,
    reached_until date,
    is_converted boolean,
    is_complete boolean
)
language sql
stable
as $$
    with span as (
        select
            s.account_id,
            s.livemode,
            s.currency,
            s.last_month,
            min(s.first_month) over (partition by s.account_id) as first_month,
            -- one beginning, so that all accounts and currencies are on one axis
            greatest(p_from_month, min(s.first_month) over ()) as from_month,
            min(s.last_month) over () as reached_until,
            case p_grain when 'quarter' then 3 else 1 end as months
        from mart.currency_span as s
        where
            s.livemode = p_livemode
            and (p_currency is null or s.currency = p_currency)
            and (p_account_id is null or s.account_id = p_account_id)
    )

    select
        span.account_id,
        span.livemode,
        span.currency,
        listed.month::date,
        date_trunc(p_grain, listed.month)::date,
        span.months,
        span.reached_until,
        p_currency is null,
        -- before its first month an account has nothing that could be missing
        coalesce(known.is_complete, listed.month < span.first_month)
        and date_trunc(p_grain, listed.month) + make_interval(months => span.months) <= span.reached_until
    from span
    cross join lateral generate_series(
        span.from_month::timestamp,
        least(span.last_month, p_until_month - 1)::timestamp,
        interval '1 month'
    ) as listed (month)
    left join mart.known_month as known
        on
            span.account_id = known.account_id
            and span.livemode = known.livemode
            and listed.month = known.month
$$;
comment on function mart.asked_months(text, boolean, date, date, text, text) is
'What the Revenue page is asked for: the months of each account and currency of which there are numbers, from '
'p_from_month to before p_until_month. p_currency null: all of them, whose amounts are to be read converted '
'(is_converted); p_account_id null: all of them. period: first day of the month, or of the quarter (p_grain), which '
'has as many months. reached_until: months before it are reached by every account asked for. is_complete: all of the '
'month is known of its account, and all of the period is reached by every one: no sum over accounts lacks one.';

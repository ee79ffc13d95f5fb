/* Tiers never change: any version that has them tells. */
create function staging.lack_of_price_tiers(
    p_account_id text, p_livemode boolean, p_price_id text
) returns table (wanted_at timestamptz)
language sql
stable parallel safe
as $$
    select max(past.wanted_at)
    from staging.versions_newest_first(p_account_id, p_livemode, 'price', p_price_id) as past
    cross join lateral jsonb_to_record(past.body) as r (billing_scheme text, tiers_mode text, tiers jsonb)
    having
        bool_or(r.billing_scheme = 'tiered' or r.tiers_mode is not null)
        and not bool_or(coalesce(jsonb_typeof(r.tiers) = 'array', false))
        and not bool_or(past.is_deletion)
$$;
comment on function staging.lack_of_price_tiers(text, boolean, text) is
'One row where no version of a price in tiers, or of the plan by its name, shows them: since when an answer would. No '
'row where nothing is lacking.';

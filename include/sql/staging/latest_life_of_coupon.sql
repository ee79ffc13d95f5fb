/* A coupon's id may be given again after a deletion. What its events leave out, a list or a fetch by the id tells. */
create function staging.latest_life_of_coupon(p_account_id text, p_livemode boolean, p_coupon_id text) returns table (
    created_at timestamptz,
    is_whole boolean
)
language sql
stable parallel safe
as $$
    select coupon.created_at, bool_or(version.source = 'list')
    from staging.versions_of_object(p_account_id, p_livemode, 'coupon', p_coupon_id) as version
    cross join lateral staging.coupon(version.body) as coupon
    -- a stub is of no life
    where version.version_rank <= 3
    group by coupon.created_at
    order by coupon.created_at desc nulls last
    limit 1
$$;
comment on function staging.latest_life_of_coupon(text, boolean, text) is
'When a coupon was made, for the last time, and whether anything has shown it with the products that it applies to '
'and its other currencies, as lists and fetches do, and events do not. No row where nothing shows the coupon.';

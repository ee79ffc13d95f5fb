/* Grain: one row per life of a coupon: an id may be given again after a deletion. What it takes off, and for whom. */
create function staging.coupon_terms(
    p_account_id text, p_livemode boolean, p_coupon_id text, p_applied_by text default null
) returns table (
    created_at timestamptz,
    given_from timestamptz,
    given_until timestamptz,
    duration text,
    currency text,
    percent_off numeric,
    amount_off_minor bigint,
    currency_options jsonb,
    applies_to_product_ids text[]
)
language sql
stable parallel safe
as $$
    with version as (
        select coupon.*, past.version_at, past.version_rank, past.version_order
        from staging.versions_of_object(p_account_id, p_livemode, 'coupon', p_coupon_id) as past
        cross join lateral staging.coupon(past.body) as coupon
        -- what is gone from a list leaves a mere id
        where
            (coupon.percent_off is not null or coupon.amount_off_minor is not null)
            and (
                p_applied_by is null
                or exists (
                    select 1
                    from ops.batch_applied as known
                    where known.model = p_applied_by and known.batch_id = past.batch_id
                )
            )
    ),

    life as (
        select distinct on (created_at) *
        from version
        order by created_at asc, version_at desc, version_rank desc, version_order desc
    ),

    -- lists are asked for what events leave out
    told as (
        select distinct on (created_at) created_at, currency_options, applies_to_product_ids
        from version
        where currency_options is not null or applies_to_product_ids is not null
        order by created_at asc, version_at desc, version_rank desc, version_order desc
    )

    select
        life.created_at,
        case when row_number() over lives = 1 then '-infinity' else life.created_at end,
        coalesce(lead(life.created_at) over lives, 'infinity'),
        life.duration,
        life.currency,
        life.percent_off,
        life.amount_off_minor,
        coalesce(life.currency_options, told.currency_options),
        coalesce(life.applies_to_product_ids, told.applies_to_product_ids)
    from life
    left join told on life.created_at is not distinct from told.created_at
    window lives as (order by life.created_at nulls first)
$$;
comment on function staging.coupon_terms(text, boolean, text, text) is
'What a coupon takes off by the discounts that were given from given_from to before given_until. Stripe never changes '
'the terms of a coupon, but one that is deleted may be made anew under its id. p_applied_by: a model, by its name in '
'ops.batch_applied, to which no more is told than what it has applied.';

/* Grain: one row per mode and price. How a plan is called where people read it: no two in the same way. */
create view mart.plan_label as
with told as (
    select
        livemode,
        price_id,
        product_id,
        product_name,
        price_nickname,
        month
    from mart.mrr_by_plan_monthly
    union all
    -- a plan that is free has no MRR
    select
        livemode,
        price_id,
        product_id,
        null as product_name,
        null as price_nickname,
        null as month
    from mart.renewal_cohort_by_plan
),

newest as (
    select distinct on (livemode, price_id)
        livemode,
        price_id,
        concat_ws(
            ' · ', coalesce(nullif(product_name, ''), product_id), coalesce(nullif(price_nickname, ''), price_id)
        ) as label
    from told
    order by livemode asc, price_id asc, month desc nulls last, product_name asc nulls last, product_id asc
),

final as (
    select
        livemode,
        price_id,
        label || case when count(*) over (partition by livemode, label) > 1 then ' · ' || price_id else '' end as label
    from newest
)

select * from final;

comment on view mart.plan_label is
'Grain: one row per mode and price. How a plan is called where people read it: no two in the same way.';
comment on column mart.plan_label.livemode is 'False for test data.';
comment on column mart.plan_label.price_id is 'Price (price_...), of whatever account.';
comment on column mart.plan_label.label is
'Name of the product and nickname of the price, or their ids; with the id of the price where two would be the same.';

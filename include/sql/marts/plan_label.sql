/* Grain: one row per mode and price. How a plan is called where people read it: no two in the same way. */
create view mart.plan_label as
with sold as (
    select account_id, livemode, price_id, product_id
    from mart.mrr_by_plan_monthly
    union
    -- a plan that is free, or billed for what was used, may have no MRR
    select account_id, livemode, price_id, product_id
    from mart.renewal_cohort_by_plan
),

named as (
    select distinct on (sold.livemode, sold.price_id)
        sold.livemode,
        sold.price_id,
        concat_ws(
            ' · ',
            coalesce(nullif(product.name, ''), sold.product_id),
            coalesce(nullif(price.nickname, ''), sold.price_id)
        ) as label
    from sold
    left join dwh.price_dim as price
        on
            sold.account_id = price.account_id
            and sold.livemode = price.livemode
            and sold.price_id = price.price_id
            and price.is_current
    left join dwh.product_dim as product
        on
            sold.account_id = product.account_id
            and sold.livemode = product.livemode
            and sold.product_id = product.product_id
            and product.is_current
    order by
        sold.livemode asc, sold.price_id asc, product.name asc nulls last, price.nickname asc nulls last,
        sold.product_id asc
),

final as (
    select
        livemode,
        price_id,
        label || case when count(*) over (partition by livemode, label) > 1 then ' · ' || price_id else '' end as label
    from named
)

select * from final;

comment on view mart.plan_label is
'Grain: one row per mode and price. How a plan is called where people read it: no two in the same way.';
comment on column mart.plan_label.livemode is 'False for test data.';
comment on column mart.plan_label.price_id is 'Price (price_...), of whatever account.';
comment on column mart.plan_label.label is
'Name of the product and nickname of the price, or their ids; with the id of the price where two would be the same.';

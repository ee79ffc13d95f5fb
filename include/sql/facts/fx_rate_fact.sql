/* Grain: one row per exchange rate that was seen. What amounts in one currency were worth in another, and when. */
select ops.begin_model(
    'fx_rate_fact',
    touching => '{charge,dispute,refund}',
    upstream => '{currency_dim,charge_fact,refund_fact,dispute_fact,balance_transaction_fact}'
);
select ops.read_file_rows('fx_rate');

-- A balance transaction does not name the currency that was converted: what it comes from does.
create temp table affected on commit drop as
with source as (
    select account_id, livemode, object_id as source_id
    from touched
    union
    -- older charges carry their refunds
    select r.account_id, r.livemode, r.refund_id as source_id
    from touched
    inner join dwh.refund_fact as r
        on touched.account_id = r.account_id and touched.livemode = r.livemode and touched.object_id = r.charge_id
    where touched.object_type = 'charge'
)

select b.account_id, b.livemode, b.balance_transaction_id
from source
inner join dwh.balance_transaction_fact as b
    on source.account_id = b.account_id and source.livemode = b.livemode and source.source_id = b.source_id
union
select document.account_id, document.livemode, balance_transaction.balance_transaction_id
from pending_batch
cross join lateral staging.documents_in_batch(pending_batch.batch_id, 'balance_transaction') as document
cross join lateral staging.balance_transaction(document.body) as balance_transaction;
analyze affected;

delete from dwh.fx_rate_fact
using affected
where
    dwh.fx_rate_fact.account_id = affected.account_id
    and dwh.fx_rate_fact.livemode = affected.livemode
    and dwh.fx_rate_fact.source_type = 'balance_transaction'
    and dwh.fx_rate_fact.source_id = affected.balance_transaction_id;

delete from dwh.fx_rate_fact
using incoming
where
    dwh.fx_rate_fact.account_id is null
    and dwh.fx_rate_fact.livemode is null
    and dwh.fx_rate_fact.source_type = 'file'
    and dwh.fx_rate_fact.source_id = array_to_string(incoming.row_key, '/');

insert into dwh.fx_rate_fact (
    account_id, livemode, source_type, source_id, rate_date, from_currency, to_currency, rate, observed_at, fx_rate_sk,
    rate_source
)
with converted as (
    select
        b.account_id,
        b.livemode,
        b.balance_transaction_id,
        b.created_at,
        b.amount_minor,
        b.exchange_rate,
        b.currency as to_currency,
        coalesce(c.currency, r.currency, d.currency) as from_currency,
        coalesce(c.amount_minor, r.amount_minor, d.amount_minor) as from_minor
    from affected as a
    inner join dwh.balance_transaction_fact as b
        on
            a.account_id = b.account_id
            and a.livemode = b.livemode
            and a.balance_transaction_id = b.balance_transaction_id
    left join dwh.charge_fact as c
        on b.account_id = c.account_id and b.livemode = c.livemode and b.source_id = c.charge_id
    left join dwh.refund_fact as r
        on b.account_id = r.account_id and b.livemode = r.livemode and b.source_id = r.refund_id
    left join dwh.dispute_fact as d
        on b.account_id = d.account_id and b.livemode = d.livemode and b.source_id = d.dispute_id
    where b.exchange_rate > 0 and b.created_at is not null
),

rated as (
    select
        converted.*,
        -- from a rate of minor units to one of major units
        power(10::numeric, sold.exponent - bought.exponent) as scale
    from converted
    inner join dwh.currency_dim as sold on converted.from_currency = sold.currency
    inner join dwh.currency_dim as bought on converted.to_currency = bought.currency
    where converted.from_currency <> converted.to_currency
),

seen as (
    select
        account_id,
        livemode,
        'balance_transaction' as source_type,
        balance_transaction_id as source_id,
        (created_at at time zone 'UTC')::date as rate_date,
        from_currency,
        to_currency,
        -- Stripe: amounts multiplied by the rate are amounts. Should it mean major units, the amounts tell.
        trim_scale(case
            when
                from_minor <> 0
                and amount_minor <> 0
                and abs(ln(abs(amount_minor::numeric / from_minor) / exchange_rate))
                > abs(ln(abs(amount_minor::numeric / from_minor) * scale / exchange_rate))
                then exchange_rate
            else exchange_rate * scale
        end) as rate,
        created_at as observed_at,
        null as rate_source
    from rated
    union all
    select
        null,
        null,
        'file',
        array_to_string(incoming.row_key, '/'),
        r.date,
        r.from_currency,
        r.to_currency,
        trim_scale(r.rate),
        incoming.modified_at,
        r.source
    from incoming
    cross join
        lateral jsonb_to_record(incoming.payload) as r (
            date date, from_currency text, to_currency text, rate numeric, source text
        )
),

final as (
    select
        account_id,
        livemode,
        source_type,
        source_id,
        rate_date,
        from_currency,
        to_currency,
        rate,
        observed_at,
        staging.surrogate_key(jsonb_build_array(account_id, livemode, source_type, source_id)::text) as fx_rate_sk,
        rate_source
    from seen
)

select * from final;

select ops.end_model(
    (select count(*) from affected) + (select count(*) from incoming),
    (select count(*) from affected) + (select count(*) from incoming)
);

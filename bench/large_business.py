"""A large business, made in SQL straight into dwh: what the marts read, and the events that the ledger of MRR follows.

Customers join evenly over the months: three fifths pay dollars, the others euros and yen, which Stripe converts. Each
has one of twenty plans; a fifth changes plans, two fifths leave, some of those come back, a tenth begins with a trial,
and each pays about monthly: by an invoice, whose payment intent fails first in one case of twenty. One payment of fifty
is refunded. Balance transactions are paid out daily; every customer is a user who came through one of twenty channels,
on which money is spent daily. Rows lie in the order of time, as loads leave them; ids are shorter than Stripe's.
"""

from typing import LiteralString

# One life a customer: when it joined, on which plan; when it changed, left and came back, if it did.
LIFE: LiteralString = """
    create unlogged table public.life as
    select
        n,
        'cus_' || n as customer_id,
        'pm_' || n as payment_method_id,
        (array['usd', 'usd', 'usd', 'usd', 'usd', 'usd', 'eur', 'eur', 'eur', 'jpy'])[1 + n %% 10] as currency,
        n / 7 %% 20 as plan,
        n %% 10 = 3 as has_trial,
        joined.at as joined_at,
        case when n %% 5 = 0 then joined.at + (%(end)s - joined.at) * 0.3 end as changed_at,
        case when n %% 5 in (1, 2) then joined.at + (%(end)s - joined.at) * 0.6 end as left_at,
        case when n %% 10 = 1 then joined.at + (%(end)s - joined.at) * 0.8 end as back_at
    from generate_series(1, %(customers)s) as n
    cross join lateral (
        select
            date_trunc('second', %(end)s - (n::float8 / %(customers)s) * %(months)s * interval '30 days') as at
        offset 0
    ) as joined
"""

# Who comes back subscribes anew.
SUBSCRIPTION: LiteralString = """
    create unlogged table public.subscription as
    select
        n,
        'sub_' || n as subscription_id,
        'si_' || n as subscription_item_id,
        customer_id,
        payment_method_id,
        currency,
        plan,
        joined_at - case when has_trial then interval '14 days' else interval '0' end as created_at,
        joined_at as started_at,
        changed_at,
        left_at as ended_at
    from public.life
    union all
    select
        n, 'sub_' || n || '_back', 'si_' || n || '_back', customer_id, payment_method_id, currency, plan, back_at,
        back_at, null, null
    from public.life
    where back_at is not null
"""

PAYMENT: LiteralString = """
    create unlogged table public.payment as
    select
        n || '_' || number as k,
        n,
        number,
        customer_id,
        payment_method_id,
        'sub_' || n as subscription_id,
        currency,
        plan,
        paid.at,
        staging.date_sk(paid.at) as date_sk,
        -- minor units: cents of euros and dollars, and yen
        1000 * (1 + plan) as amount_minor,
        case currency
            when 'eur' then 1.08 + extract(doy from paid.at) %% 10 / 1000
            when 'jpy' then 0.66 + extract(doy from paid.at) %% 10 / 1000
        end as exchange_rate,
        (n + number) %% 20 = 0 as was_declined,
        (n + number) %% 50 = 1 as was_refunded
    from public.life
    cross join lateral generate_series(1, %(each)s) as number
    cross join lateral (
        select
            date_trunc(
                'second', joined_at + (coalesce(left_at, %(end)s) - joined_at) * (number::float8 / %(each)s)
            ) as at
        offset 0
    ) as paid
    order by at
"""

DRIVERS = (LIFE, SUBSCRIPTION, PAYMENT)
"""What the tables are made of, in this order."""

TABLES: tuple[tuple[str, LiteralString], ...] = (
    (
        "dwh.charge_fact",
        """
        insert into dwh.charge_fact (
            account_id, livemode, charge_id, date_sk, customer_id, payment_intent_id, payment_method_id,
            balance_transaction_id, status, currency, failure_code, amount_minor, amount_captured_minor,
            amount_refunded_minor, is_captured, is_disputed, created_at, version_at, version_rank, version_order
        )
        select
            'acct_bench', true, 'ch_' || k, date_sk, customer_id, 'pi_' || k, payment_method_id, 'txn_' || k,
            'succeeded', currency, null, amount_minor, amount_minor,
            case when was_refunded then amount_minor else 0 end, true, false, at, at, 1, 0
        from public.payment
        union all
        select
            'acct_bench', true, 'ch_' || k || '_first', date_sk, customer_id, 'pi_' || k, payment_method_id, null,
            'failed', currency, (array['card_declined', 'expired_card', 'insufficient_funds'])[1 + n % 3], amount_minor,
            0, 0, false, false, at - interval '1 day', at - interval '1 day', 1, 0
        from public.payment
        where was_declined
        """,
    ),
    (
        "dwh.invoice_fact",
        """
        insert into dwh.invoice_fact (
            account_id, livemode, invoice_id, date_sk, customer_id, subscription_id, status, billing_reason,
            collection_method, currency, amount_due_minor, amount_paid_minor, amount_remaining_minor, subtotal_minor,
            total_minor, attempt_count, is_attempted, has_more_lines, created_at, period_start_at, period_end_at,
            finalized_at, paid_at, version_at, version_rank, version_order
        )
        select
            'acct_bench', true, 'in_' || k, date_sk, customer_id, subscription_id, 'paid',
            case number when 1 then 'subscription_create' else 'subscription_cycle' end, 'charge_automatically',
            currency, amount_minor, amount_minor, 0, amount_minor, amount_minor, 1, true, false, at, at, at, at, at, at,
            1, 0
        from public.payment
        """,
    ),
    (
        "dwh.payment_intent_fact",
        """
        insert into dwh.payment_intent_fact (
            account_id, livemode, payment_intent_id, date_sk, customer_id, payment_method_id, latest_charge_id, status,
            currency, amount_minor, amount_received_minor, created_at, version_at, version_rank, version_order
        )
        select
            'acct_bench', true, 'pi_' || k, date_sk, customer_id, payment_method_id, 'ch_' || k, 'succeeded', currency,
            amount_minor, amount_minor, at, at, 1, 0
        from public.payment
        """,
    ),
    (
        "dwh.balance_transaction_fact",
        """
        insert into dwh.balance_transaction_fact (
            account_id, livemode, balance_transaction_id, date_sk, source_id, balance_transaction_type,
            reporting_category, balance_type, status, currency, amount_minor, fee_minor, net_minor, exchange_rate,
            created_at, available_at, version_at, version_rank, version_order
        )
        select
            'acct_bench', true, id, date_sk, source_id, type, type, 'payments', 'available', 'usd', amount, fee,
            amount - fee, exchange_rate, at, at + interval '2 days', at, 1, 0
        from public.payment
        cross join lateral (select round(amount_minor * coalesce(exchange_rate, 1)) as settled offset 0) as sum
        cross join lateral (
            values
            ('txn_' || k, 'ch_' || k, 'charge', settled, 30 + settled * 3 / 100, true),
            ('txn_' || k || '_refund', 're_' || k, 'refund', -settled, 0, was_refunded)
        ) as moved (id, source_id, type, amount, fee, is_there)
        where is_there
        """,
    ),
    (
        "dwh.payout_transaction_fact",
        """
        insert into dwh.payout_transaction_fact
        select
            'acct_bench', true, id, 'po_' || (at at time zone 'UTC')::date, at, 1, 0
        from public.payment
        cross join lateral (
            values ('txn_' || k, true), ('txn_' || k || '_refund', was_refunded)
        ) as moved (id, is_there)
        where is_there
        """,
    ),
    (
        "dwh.transaction_fact",
        """
        insert into dwh.transaction_fact (
            account_id, livemode, transaction_type, source_id, date_sk, charge_id, customer_id, currency, amount_minor,
            occurred_at
        )
        select 'acct_bench', true, type, id, date_sk, 'ch_' || k, customer_id, currency, amount, at
        from public.payment
        cross join lateral (
            values ('charge', 'ch_' || k, amount_minor, true), ('refund', 're_' || k, -amount_minor, was_refunded)
        ) as moved (type, id, amount, is_there)
        where is_there
        """,
    ),
    (
        "dwh.invoice_line_fact",
        """
        insert into dwh.invoice_line_fact (
            account_id, livemode, invoice_id, invoice_line_id, line_type, customer_id, price_id, product_id,
            subscription_id, subscription_item_id, currency, amount_minor, discount_minor, unit_amount_minor, quantity,
            is_proration, invoiced_at, period_start_at, period_end_at
        )
        select
            'acct_bench', true, 'in_' || k, 'il_' || k, 'subscription', customer_id,
            'price_' || plan || '_' || currency, 'prod_' || plan, subscription_id, 'si_' || n,
            currency, amount_minor, 0, amount_minor, 1, false, at, at, at
        from public.payment
        """,
    ),
    (
        "dwh.invoice_payment_fact",
        """
        insert into dwh.invoice_payment_fact (
            account_id, livemode, invoice_payment_id, date_sk, invoice_id, payment_type, payment_intent_id, status,
            currency, amount_requested_minor, amount_paid_minor, is_default, created_at, paid_at, version_at,
            version_rank, version_order
        )
        select
            'acct_bench', true, 'inpay_' || k, date_sk, 'in_' || k, 'payment_intent', 'pi_' || k, 'paid', currency,
            amount_minor, amount_minor, true, at, at, at, 1, 0
        from public.payment
        """,
    ),
    (
        "dwh.fx_rate_fact",
        """
        insert into dwh.fx_rate_fact (
            fx_rate_sk, account_id, livemode, source_type, source_id, rate_date, from_currency, to_currency, rate,
            observed_at
        )
        select
            staging.surrogate_key(k), 'acct_bench', true, 'balance_transaction', 'txn_' || k,
            (at at time zone 'UTC')::date, currency, 'usd',
            case currency when 'jpy' then exchange_rate / 100 else exchange_rate end, at
        from public.payment
        where exchange_rate is not null
        """,
    ),
    (
        "dwh.subscription_dim",
        """
        insert into dwh.subscription_dim (
            account_id, livemode, subscription_id, subscription_sk, customer_id, status, currency, collection_method,
            cancellation_reason, cancellation_feedback, discounts, is_cancel_at_period_end, created_at, started_at,
            trial_start_at, trial_end_at, current_period_end_at, canceled_at, ended_at, valid_from, valid_to,
            is_current, is_reconstructed, observed_from
        )
        select
            'acct_bench', true, subscription_id, staging.surrogate_key(subscription_id || place), customer_id, status,
            currency, 'charge_automatically',
            case when status = 'canceled' then (array['cancellation_requested', 'payment_failed'])[1 + n % 2] end,
            case when status = 'canceled' and n % 4 = 1 then 'too_expensive' end, '[]',
            status = 'active' and n % 50 = 0, created_at, created_at,
            case when created_at < started_at then created_at end,
            case when created_at < started_at then started_at end,
            valid_from + interval '30 days', case when status = 'canceled' then ended_at end,
            case when status = 'canceled' then ended_at end, valid_from, valid_to, valid_to is null, false, created_at
        from public.subscription
        cross join lateral (
            values
            (0, 'trialing', created_at, started_at, created_at < started_at),
            (
                1, case when ended_at is null and n % 100 = 8 then 'past_due' else 'active' end, started_at, ended_at,
                true
            ),
            (2, 'canceled', ended_at, null, ended_at is not null)
        ) as stretch (place, status, valid_from, valid_to, is_there)
        where is_there
        """,
    ),
    (
        "dwh.subscription_item_dim",
        """
        insert into dwh.subscription_item_dim (
            account_id, livemode, subscription_item_id, subscription_item_sk, subscription_id, price_id, product_id,
            currency, interval_unit, usage_type, unit_amount_minor, interval_count, quantity, discounts, created_at,
            valid_from, valid_to, is_current, is_reconstructed, observed_from
        )
        select
            'acct_bench', true, subscription_item_id, staging.surrogate_key(subscription_item_id || step.plan),
            subscription_id, 'price_' || step.plan || '_' || currency, 'prod_' || step.plan, currency, 'month',
            'licensed', 1000 * (1 + step.plan), 1, 1, '[]', created_at, step.valid_from, step.valid_to,
            step.valid_to is null, false, created_at
        from public.subscription
        cross join lateral (
            values (plan, created_at, changed_at), (plan + 1, changed_at, null)
        ) as step (plan, valid_from, valid_to)
        where step.valid_from is not null
        """,
    ),
    (
        "dwh.customer_dim",
        """
        insert into dwh.customer_dim (
            account_id, livemode, customer_id, customer_sk, currency, default_payment_method_id, created_at, valid_from,
            is_current, discounts
        )
        select
            'acct_bench', true, customer_id, n, currency, payment_method_id, joined_at, joined_at, true, '[]'
        from public.life
        """,
    ),
    (
        "dwh.payment_method_dim",
        """
        insert into dwh.payment_method_dim (
            account_id, livemode, payment_method_id, customer_id, payment_method_type, brand, last4, exp_month,
            exp_year, created_at, version_at, version_rank, version_order
        )
        select
            'acct_bench', true, payment_method_id, customer_id, 'card', 'visa', '4242', 1 + n % 12, 2026 + n % 5,
            joined_at, joined_at, 1, 0
        from public.life
        """,
    ),
    (
        "dwh.user_dim",
        """
        insert into dwh.user_dim (user_id, account_id, livemode, customer_id)
        select 'user_' || n, 'acct_bench', true, customer_id from public.life
        """,
    ),
    (
        "dwh.user_first_install_fact",
        """
        insert into dwh.user_first_install_fact (
            user_id, install_id, device_id, installed_at, date_sk, client_sk, channel_sk, country_code
        )
        select
            'user_' || n, 'install_' || n || '_' || number, 'device_' || n || '_' || number,
            joined_at - number * interval '1 minute', staging.date_sk(joined_at - number * interval '1 minute'),
            1 + n % 50, 1 + n / 3 % 20, 'NL'
        from public.life
        cross join lateral generate_series(1, case when n % 50 = 0 then 2 else 1 end) as number
        """,
    ),
    (
        "raw.event",
        """
        insert into raw.event (
            account_id, livemode, event_id, type, created_at, listing_order, object_type, object_id, payload, batch_id
        )
        select
            'acct_bench', true, 'evt_' || subscription_id, 'customer.subscription.created', created_at, 0,
            'subscription', subscription_id,
            jsonb_build_object(
                'data',
                jsonb_build_object('object', jsonb_build_object('object', 'subscription', 'id', subscription_id))
            ),
            (select min(batch_id) from ops.batch)
        from public.subscription
        """,
    ),
)
"""Table -> the statement that fills it; independent of one another, the largest first."""

SMALL_TABLES: LiteralString = """
    insert into dwh.product_dim (account_id, livemode, product_id, product_sk, name, valid_from, is_current)
    select 'acct_bench', true, 'prod_' || plan, plan, 'Plan ' || plan, '2020-01-01', true
    from generate_series(0, 20) as plan;

    -- the last is metered, and billed for what was used
    insert into dwh.price_dim (
        account_id, livemode, price_id, price_sk, product_id, price_type, currency, interval_unit, usage_type,
        unit_amount_minor, interval_count, valid_from, is_current
    )
    select
        'acct_bench', true, 'price_' || plan || '_' || currency, plan * 10 + place, 'prod_' || plan, 'recurring',
        currency, 'month', case plan when 19 then 'metered' else 'licensed' end, 1000 * (1 + plan), 1, '2020-01-01',
        true
    from generate_series(0, 20) as plan
    cross join unnest('{usd,eur,jpy}'::text[]) with ordinality as used (currency, place);

    insert into dwh.client_dim (client_sk, os_name)
    select client, (array['Android', 'iOS'])[1 + client % 2] from generate_series(1, 50) as client;

    insert into dwh.channel_dim (channel_sk, channel_name)
    select channel, 'Channel ' || channel from generate_series(1, 20) as channel;

    insert into dwh.ad_spend_fact (date_sk, channel_sk, campaign_name, adgroup_name, currency, spend_minor)
    select d.date_sk, c.channel_sk, 'Campaign', '', 'usd', 100000
    from dwh.date_dim as d
    cross join dwh.channel_dim as c
    where
        d.day between
        (select min(joined_at)::date from public.life) and (select max(joined_at)::date from public.life);

    insert into dwh.payout_fact (
        account_id, livemode, payout_id, date_sk, status, currency, reconciliation_status, amount_minor, is_automatic,
        created_at, arrival_at, version_at, version_rank, version_order
    )
    select
        'acct_bench', true, took.payout_id, staging.date_sk(max(b.available_at)), 'paid', 'usd', 'completed',
        sum(b.net_minor), true, max(b.available_at), max(b.available_at), max(b.available_at), 1, 0
    from dwh.payout_transaction_fact as took
    inner join dwh.balance_transaction_fact as b using (account_id, livemode, balance_transaction_id)
    group by took.payout_id
"""
"""What is small, or made of what the others hold."""

HOURLY: LiteralString = """
    create temp table touched_life on commit drop as
    select s.*
    from public.subscription as s
    where s.ended_at is null
    order by hashtext(s.subscription_id)
    limit %(changed)s
"""

# Of these customers each buys one more seat, and has paid.
HOURLY_CHANGES: tuple[LiteralString, ...] = (
    """
    update dwh.subscription_item_dim as i set quantity = i.quantity + 1
    from touched_life
    where
        i.account_id = 'acct_bench' and i.livemode and i.is_current
        and i.subscription_item_id = touched_life.subscription_item_id
    """,
    """
    insert into raw.event (
        account_id, livemode, event_id, type, created_at, listing_order, object_type, object_id, payload, batch_id
    )
    select
        'acct_bench', true, 'evt_hour_' || subscription_id, 'customer.subscription.updated', %(end)s, 0, 'subscription',
        subscription_id,
        jsonb_build_object(
            'data', jsonb_build_object('object', jsonb_build_object('object', 'subscription', 'id', subscription_id))
        ),
        %(batch)s
    from touched_life
    """,
    """
    insert into dwh.transaction_fact (
        account_id, livemode, transaction_type, source_id, date_sk, charge_id, customer_id, currency, amount_minor,
        occurred_at
    )
    select
        'acct_bench', true, 'charge', 'ch_hour_' || n, staging.date_sk(%(end)s), 'ch_hour_' || n, customer_id, currency,
        1000 * (1 + plan), %(end)s
    from touched_life
    """,
    """
    insert into ops.changed_customer (model, account_id, livemode, customer_id)
    select 'transaction_fact', 'acct_bench', true, customer_id from touched_life
    on conflict do nothing
    """,
)

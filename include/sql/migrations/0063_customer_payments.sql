/* Who paid when, customer by customer: what the marts of payments count, kept up with the payments. */
create table dwh.customer_payment_fact (
    account_id text not null,
    livemode boolean not null,
    customer_id text not null,
    currency text not null,
    day date not null,
    month date not null,
    first_month date not null,
    previous_month date,
    next_month date,
    payments bigint not null,
    revenue_minor bigint not null,
    is_first_in_month boolean not null,
    first_paid_at timestamptz not null,
    last_paid_at timestamptz not null,
    primary key (account_id, livemode, customer_id, currency, day)
);
create index customer_payment_fact_month on dwh.customer_payment_fact (account_id, livemode, currency, month);
comment on table dwh.customer_payment_fact is
'Grain: one row per customer, currency and day with at least one successful charge. Marts of payments count it.';
comment on column dwh.customer_payment_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.customer_payment_fact.livemode is 'False for test data.';
comment on column dwh.customer_payment_fact.customer_id is 'Stripe id (cus_...).';
comment on column dwh.customer_payment_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.customer_payment_fact.day is 'Day in the reporting time zone (policy reporting_timezone).';
comment on column dwh.customer_payment_fact.month is 'First day of its month.';
comment on column dwh.customer_payment_fact.first_month is
'Month of the customer''s first payment in the currency: the cohort.';
comment on column dwh.customer_payment_fact.previous_month is
'The last month before this one with a payment; null in the first.';
comment on column dwh.customer_payment_fact.next_month is
'The next month with a payment; null while there is none.';
comment on column dwh.customer_payment_fact.payments is 'Successful charges of the day.';
comment on column dwh.customer_payment_fact.revenue_minor is 'Sum of these charges, minor units, before refunds.';
comment on column dwh.customer_payment_fact.is_first_in_month is
'Whether the customer had not paid before in the month: counting these rows counts customers.';
comment on column dwh.customer_payment_fact.first_paid_at is 'When the first of these charges was made.';
comment on column dwh.customer_payment_fact.last_paid_at is 'When the last of these charges was made.';

-- Days and months are those of the reporting time zone: another one makes the table anew, with the next load.
create function ops.renew_customer_payments() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from ops.batch_applied where model = 'customer_payment_fact';
    return null;
end
$$;
comment on function ops.renew_customer_payments() is
'Makes every batch pending for customer_payment_fact: the next load makes it anew for all customers.';
create trigger policy_renews_customer_payments
after update of value on ops.policy
for each row
when (old.value is distinct from new.value and new.name = 'reporting_timezone')
execute function ops.renew_customer_payments();

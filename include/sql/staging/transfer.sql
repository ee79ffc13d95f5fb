/* Grain: one row per transfer, latest state; before it, how one is read. Until 2017-04-06 payouts were such, too. */
create function staging.transfer(body jsonb) returns table (
    destination_id text,
    destination_payment_id text,
    source_transaction_id text,
    balance_transaction_id text,
    transfer_group text,
    source_type text,
    status text,
    currency text,
    description text,
    amount_minor bigint,
    amount_reversed_minor bigint,
    metadata jsonb,
    is_reversed boolean,
    is_payout boolean,
    created_at timestamptz
)
language sql
stable parallel safe
as $$
    select
        coalesce(
            staging.id_of(r.destination),
            staging.id_of(r.bank_account),
            staging.id_of(r.account),
            staging.id_of(r.recipient)
        ),
        staging.id_of(r.destination_payment),
        staging.id_of(r.source_transaction),
        staging.id_of(r.balance_transaction),
        r.transfer_group,
        r.source_type,
        r.status,
        lower(r.currency),
        r.description,
        r.amount,
        coalesce(r.amount_reversed, 0),
        r.metadata,
        coalesce(r.reversed, false),
        -- as staging.nesting tells one, from what it reads of a transfer
        exists (
            select 1
            from staging.nested(
                'transfer',
                'payout',
                jsonb_build_object('status', r.status, 'type', r.type, 'destination', r.destination)
            )
        ),
        to_timestamp(coalesce(r.created, r.date))
    from jsonb_to_record(body) as r (
        destination jsonb,
        bank_account jsonb,
        account jsonb,
        recipient jsonb,
        destination_payment jsonb,
        source_transaction jsonb,
        balance_transaction jsonb,
        transfer_group text,
        source_type text,
        type text,
        status text,
        currency text,
        description text,
        amount bigint,
        amount_reversed bigint,
        metadata jsonb,
        reversed boolean,
        created bigint,
        date bigint
    )
$$;
comment on function staging.transfer(jsonb) is 'Typed columns of a transfer document of any API version.';

create view staging.transfer as
select
    latest.account_id,
    latest.livemode,
    latest.object_id as transfer_id,
    document.*,
    latest.deleted_at,
    latest.version_at
from staging.latest_version as latest
cross join lateral staging.transfer(latest.body) as document
where latest.object_type = 'transfer';
comment on view staging.transfer is 'Grain: one row per transfer, in its latest state.';
comment on column staging.transfer.account_id is 'Stripe account (acct_...).';
comment on column staging.transfer.livemode is 'False for test data.';
comment on column staging.transfer.transfer_id is 'Stripe id (tr_...).';
comment on column staging.transfer.destination_id is
'Account that it goes to; the bank account or recipient of a payout in old shapes.';
comment on column staging.transfer.destination_payment_id is 'Payment that it is in the account that it goes to.';
comment on column staging.transfer.source_transaction_id is 'Charge whose money it hands on.';
comment on column staging.transfer.balance_transaction_id is 'Balance transaction.';
comment on column staging.transfer.transfer_group is 'Name by which your code groups charges and transfers.';
comment on column staging.transfer.source_type is 'Kind of balance that it came from: card, bank_account, fpx.';
comment on column staging.transfer.status is 'paid, pending, in_transit, canceled or failed; null from 2017-04-06 on.';
comment on column staging.transfer.currency is 'Currency, ISO 4217, lower case.';
comment on column staging.transfer.description is 'Description for your own eyes.';
comment on column staging.transfer.amount_minor is 'Amount, minor units.';
comment on column staging.transfer.amount_reversed_minor is 'Amount taken back, minor units.';
comment on column staging.transfer.metadata is 'The metadata that your own code put on the object.';
comment on column staging.transfer.is_reversed is 'Whether all of it was taken back.';
comment on column staging.transfer.is_payout is
'Whether it went to a bank account or card, as until 2017-04-06: dwh.payout_fact shows it too.';
comment on column staging.transfer.created_at is 'When it was created in Stripe.';
comment on column staging.transfer.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';
comment on column staging.transfer.version_at is 'Second of the version that this row shows.';

/* People who are no customers can be erased, too, and rows that could not be staged say which user they are of. */
alter table ops.erasure
alter column account_id drop not null,
alter column livemode drop not null,
alter column customer_id drop not null,
add column user_hash text,
add constraint erasure_of_one check (
    num_nonnulls(customer_id, user_hash) = 1 and num_nonnulls(account_id, livemode, customer_id) in (0, 3)
),
drop constraint erasure_run_id_account_id_livemode_customer_id_key,
add constraint erasure_once_a_run unique nulls not distinct (run_id, account_id, livemode, customer_id, user_hash);
comment on table ops.erasure is
'Grain: one row per customer, payment of a guest or user of the app, whose erasure was approved or rejected, in each '
'account and mode that has it, and run that asked. It holds no personal data of theirs but ids.';
comment on column ops.erasure.account_id is 'Stripe account (acct_...); null for a user of the app, who is of none.';
comment on column ops.erasure.livemode is 'False for test data; null for a user of the app.';
comment on column ops.erasure.customer_id is
'Stripe id of the customer (cus_...); of a guest that of a payment: charge, checkout session, payment or setup intent, '
'payment method or invoice. Null for a user of the app who is no customer.';
comment on column ops.erasure.user_hash is
'ops.user_hash of the id of a user of the app who is no customer; null for customers and guests.';
comment on column ops.erasure.verified_at is
'When dims, facts and the views of mart that show users had followed, and nothing personal was found there; null until '
'then.';

-- rows of any account may name the object: an event of a connected account is set aside under its platform's
create index erased_object_object_id on ops.erased_object (object_id);

alter table raw.rejected add column user_id text;
comment on column raw.rejected.user_id is
'The user of the app that a row of a file names, by which an erasure finds it; null where that cannot be told.';

create index check_result_with_sample on ops.check_result (check_result_id) where sample <> '[]';

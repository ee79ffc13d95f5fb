/* What was a transfer until 2017-04-06 is a payout, too. */
comment on column dwh.payout_fact.payout_id is 'Stripe id (po_..., or tr_... of one from before 2017-04-06).';
comment on column dwh.payout_fact.destination_id is
'Bank account or card that it goes to; the recipient where an old one names no other.';
comment on column dwh.payout_fact.payout_type is 'bank_account or card; null on the oldest.';

/* Events leave out for which products a coupon is, and its other currencies: each is wanted as a list shows it. */
comment on column ops.enrichment.wanted_at is
'An answer that Stripe gave in this second or later shows what is wanted: the second of the observation that lacks '
'it, or the one after the event''s. What is only named is wanted from the first version that names it, a coupon from '
'when it was made.';
comment on column ops.enrichment.gone is
'Whether Stripe says that it does not exist (404): it is not asked for again, unless it is wanted anew since.';

delete from ops.batch_applied where model = 'enrichment';

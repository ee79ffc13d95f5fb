/* The platform's key asks for what lists of connected accounts lack, late events by id, gaps that nobody can fill. */

-- Wishes that only a listing in the platform's name has brought were left to a key that nobody has.
update ops.enrichment as wish
set requested_via = listing.requested_via
from (
    select
        account_id,
        livemode,
        min(requested_via) as requested_via
    from ops.batch
    group by account_id, livemode
    -- an account that has a key of its own may well be asked with it
    having bool_and(requested_via is not null)
) as listing
where
    wish.requested_via = listing.account_id
    and wish.account_id = listing.account_id
    and wish.livemode = listing.livemode;

-- Late events are told from those that are staged by their ids; what was remembered without them is read again.
delete from ops.watermark where stream = 'events:ahead';
delete from ops.change_ahead;
alter table ops.change_ahead add column event_id text not null;
comment on column ops.change_ahead.event_id is
'Id of the newest of these events: once it is staged, the row says nothing.';
comment on column ops.change_ahead.last_at is
'Second of the newest of these events; before the watermark where it became visible late.';

alter table ops.gap
add column refused_at timestamptz,
add column refusal text;
comment on column ops.gap.refused_at is
'When the last try to list the account''s objects was refused for every kind, as where a connected account has revoked '
'access: no run is asked for any more, and one that a person starts tries again. Null: nothing was refused.';
comment on column ops.gap.refusal is 'Stripe''s answer to that try.';
comment on column ops.gap.closed_at is
'When what fills it had been loaded by every model; null while it is open. mart.gap_daily shows its days until then. '
'What no list shows stays as it was known before: payment methods that were detached or changed in the gap.';
comment on column ops.batch.object_type is
'Kind of object that was listed or asked for, or kind of ops.enrichment that was fetched; discount for those that '
'nothing names any more; null for events, which carry all kinds.';

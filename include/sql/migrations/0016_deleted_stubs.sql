/* What Stripe answers about a deleted object is a stub without attributes: {id, object, deleted: true}. */
alter table raw.object
add column is_deleted boolean not null generated always as (payload @> '{"deleted": true}') stored;
comment on column raw.object.is_deleted is
'Whether Stripe answered that the object is deleted: the document then holds nothing but its id.';

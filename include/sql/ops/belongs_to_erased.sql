/* Whether an object is of an erased customer: it is named in the list, or names one that is. */
create function ops.belongs_to_erased(document jsonb, erased text[]) returns boolean
language sql
stable parallel safe
as $$
    select
        not ops.is_shared(document ->> 'object')
        and exists (select from ops.linked_ids(document, false) as named (id) where named.id = any(erased))
        -- what names another customer is that one's
        and coalesce(staging.id_of(document -> 'customer') = any(erased), true)
$$;
comment on function ops.belongs_to_erased(jsonb, text[]) is
'Whether an object of Stripe''s belongs to an erased customer; erased: ids in ops.erased_object that it mentions.';

/* Whether an object is of an erased customer: it says so, or says nothing of customers and names one that is. */
create function ops.belongs_to_erased(document jsonb, erased text[], is_anothers boolean default false) returns boolean
language sql
stable parallel safe
as $$
    select
        not ops.is_shared(document ->> 'object')
        and coalesce(
            ops.owner_of(document) = any(erased),
            not is_anothers
            and exists (select from ops.linked_ids(document) as named where named.id = any(erased))
        )
$$;
comment on function ops.belongs_to_erased(jsonb, text[], boolean) is
'Whether an object of Stripe''s belongs to an erased customer; erased: ids in ops.erased_object that it mentions. '
'is_anothers: it stands in an object of a customer who is not erased.';

/* Whether what an object was before, as an event tells it, was of an erased customer: it says so where that changed. */
create function ops.was_of_erased(data jsonb, erased text[]) returns boolean
language sql
stable parallel safe
as $$
    select
        jsonb_typeof(data -> 'object') = 'object'
        and jsonb_typeof(data -> 'previous_attributes') = 'object'
        and ops.belongs_to_erased((data -> 'object') || (data -> 'previous_attributes'), erased)
$$;
comment on function ops.was_of_erased(jsonb, text[]) is
'Whether the previous attributes in the data of an event belong to an erased customer; false for anything else.';

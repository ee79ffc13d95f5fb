/* An event in which what belongs to erased customers is redacted: the object, what it was before, and the envelope. */
create function ops.redacted_event(payload jsonb, erased text[]) returns jsonb
language sql
stable parallel safe
as $$
    select case
        when ops.belongs_to_erased(told.data -> 'object', erased)
            -- what it was before is of the same kind, and does not say so; keys of requests may be anything
            then ops.redacted(payload - 'data') || jsonb_build_object(
                'data',
                ops.redacted(told.data - 'object', told.data #>> '{object,object}')
                || jsonb_build_object('object', ops.redacted(told.data -> 'object'))
            )
        else ops.redacted_parts(payload, erased)
    end
    from (select payload -> 'data' as data offset 0) as told
$$;
comment on function ops.redacted_event(jsonb, text[]) is
'An event with all that belongs to erased customers redacted; erased: ids in ops.erased_object that it mentions.';

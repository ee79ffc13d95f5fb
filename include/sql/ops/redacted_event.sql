/* An event in which what belongs to erased customers is redacted: the object, what it was before, and the envelope. */
create function ops.redacted_event(payload jsonb, erased text[]) returns jsonb
language sql
stable parallel safe
as $$
    select
        case
            -- keys of requests may be anything
            when
                ops.belongs_to_erased(told.data -> 'object', erased) or ops.was_of_erased(told.data, erased)
                then ops.redacted(payload - 'data')
            else ops.redacted_parts(payload - 'data', erased)
        end
        || jsonb_build_object('data', ops.redacted_parts(told.data, erased))
    from (select payload -> 'data' as data offset 0) as told
$$;
comment on function ops.redacted_event(jsonb, text[]) is
'An event with all that belongs to erased customers redacted; erased: ids in ops.erased_object that it mentions.';

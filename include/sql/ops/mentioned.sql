/* Which erased objects a document names, anywhere in it: a first look, before it is taken apart. */
create function ops.mentioned(p_account_id text, p_livemode boolean, document jsonb) returns text[]
language sql
stable parallel safe
-- each word by the list's key, however short the list or outdated what the planner knows of it
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
    select array_agg(distinct erased.object_id)
    from jsonb_path_query(document, '$.** ? (@.type() == "string")') as word
    inner join ops.erased_object as erased
        on
            erased.account_id = p_account_id
            and erased.livemode = p_livemode
            and erased.object_id = word #>> '{}'
$$;
comment on function ops.mentioned(text, boolean, jsonb) is
'Ids in ops.erased_object that stand as strings in a document; null for none.';

/* Why a document cannot be read by the function of its kind, or by that of what is nested in it. */
create function ops.unreadable_reason(object_type text, body jsonb) returns text
language plpgsql
stable
as $$
declare
    reader text := case when object_type in ('card', 'source') then 'payment_method' else object_type end;
    part record;
begin
    if to_regprocedure(format('staging.%I(jsonb)', reader)) is null then
        return null;
    end if;
    -- as text, so that every column is computed
    execute format('select document::text from staging.%I($1) as document', reader) using body into part;
    if object_type in ('charge', 'refund') and body ->> 'currency' is null then
        return 'it has no currency';
    end if;
    for part in
        select nested.reader, nested.key, element.value
        from (
            values
            ('charge', 'refund', 'refunds', 'refund_id'),
            ('subscription', 'subscription_item', 'items', 'subscription_item_id'),
            ('invoice', 'invoice_line', 'lines', 'invoice_line_id')
        ) as nested (parent, reader, list, key)
        cross join lateral jsonb_array_elements(staging.list_items(body -> nested.list)) as element
        where nested.parent = object_type
    loop
        declare
            nested_id text;
        begin
            execute format(
                'select document.%I, document::text from staging.%I($1) as document', part.key, part.reader
            ) using part.value into nested_id;
            if part.reader = 'refund' and part.value ->> 'currency' is null then
                return 'a refund in it has no currency';
            end if;
            if nested_id is null then
                return format('a %s in it has no id', replace(part.reader, '_', ' '));
            end if;
        end;
    end loop;
    return null;
exception
    when data_exception or invalid_parameter_value then
        return sqlerrm;
end
$$;
comment on function ops.unreadable_reason(text, jsonb) is
'Null for a document that the staging function of its kind can read, with all that is nested in it; else the error.';

/* Whose a document says that it is: what names a customer is of that one, and of nobody else. */
create function ops.owner_of(document jsonb) returns text
language sql
immutable parallel safe
as $$
    select coalesce(
        case when document ->> 'object' = 'customer' then nullif(document ->> 'id', '') end,
        nullif(staging.id_of(document -> 'customer'), ''),
        nullif(staging.id_of(document -> 'related_customer'), ''),
        -- of the account that stands for a customer
        nullif(staging.id_of(document -> 'customer_account'), '')
    )
$$;
comment on function ops.owner_of(jsonb) is
'Id of the customer that a document is, or names as its own; null where it names none.';

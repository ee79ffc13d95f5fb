/* Check: an object's history is half-open, without gap or overlap, and ends open. Layer: dwh. */
with history as (
    select
        *,
        lead(valid_from) over (
            partition by dim, account_id, livemode, object_id order by valid_from
        ) as next_from
    from ops.dim_history
)

select *
from history
where valid_to is distinct from next_from or valid_from >= valid_to or is_current <> (valid_to is null)

/* Check: a surrogate key names one row, and an object has one current row. Layer: dwh. */
select dim, 'surrogate key' as key, surrogate_key::text as value, count(*) as row_count
from ops.dim_history
group by dim, surrogate_key
having count(*) > 1
union all
select dim, 'current row', concat_ws('/', account_id, livemode, object_id), count(*) filter (where is_current)
from ops.dim_history
group by dim, account_id, livemode, object_id
having count(*) filter (where is_current) <> 1

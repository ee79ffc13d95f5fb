/* Whether what is metered is MRR. */
insert into ops.policy (name, value, description)
values
(
    'metered',
    'own_view',
    'own_view: metered usage is not MRR, mart.metered_usage_monthly shows it. last_invoice: a metered item is worth, a '
    'month, what its last invoice billed for a cycle.'
);
alter table ops.policy add constraint policy_metered_known check (
    name <> 'metered' or value in ('own_view', 'last_invoice')
);
drop trigger policy_renews_mrr on ops.policy;
create trigger policy_renews_mrr
after update of value on ops.policy
for each row
when (
    old.value is distinct from new.value
    and new.name in (
        'mrr_statuses', 'paused_counts', 'churn_moment', 'subtract_repeating', 'subtract_once', 'metered',
        'reporting_timezone'
    )
)
execute function ops.renew_mrr();
delete from ops.batch_applied where model = 'mrr_change_fact';

/* Whether what is metered is MRR; and what of the ledger is reconstructed: also what only an item's past tells. */
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

comment on column dwh.mrr_change_fact.is_reconstructed is
'Whether the change lies before Stripe first showed the subscription or the item, and was told from dates and invoice '
'lines.';
delete from ops.batch_applied where model = 'mrr_change_fact';

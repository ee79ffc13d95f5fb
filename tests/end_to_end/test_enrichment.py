"""What documents name or leave out is fetched until nothing is wanted any more, and then it is all there."""

from tests.end_to_end.books import rows
from tests.end_to_end.pipeline import Pipeline

OPEN = "select kind, object_id from ops.enrichment_open"
STATE = "select kind, bool_and(fetched_at is not null), bool_or(gone), max(attempts) from ops.enrichment group by kind"


def test_nothing_is_open_at_the_end_and_each_thing_was_asked_for_once(settled: Pipeline) -> None:
    state = rows(settled.conninfo, STATE)
    assert {row[0] for row in state} >= {
        "customer",
        "customer_balance_transactions",
        "invoice_lines",
        "subscription",
        "subscription_items",
    }
    assert {row[1:] for row in state} == {(True, False, 1)}
    assert rows(settled.conninfo, OPEN) == set()


def test_long_invoices_have_all_their_lines_and_these_add_up(settled: Pipeline) -> None:
    cut = """
        select distinct object_id from staging.object_version
        where object_type = 'invoice' and (body #>> '{lines,has_more}')::boolean
    """
    assert len(rows(settled.conninfo, cut)) >= 5
    lines = f"""
        select invoice_id, count(*), sum(l.amount_minor) - sum(l.discount_minor) <= max(f.subtotal_minor)
            and max(f.subtotal_minor) <= sum(l.amount_minor)
        from dwh.invoice_fact as f
        inner join dwh.invoice_line_fact as l using (account_id, livemode, invoice_id)
        where invoice_id in ({cut})
        group by invoice_id
    """
    found = rows(settled.conninfo, lines)
    assert len(found) == len(rows(settled.conninfo, cut))
    assert all(count > 10 and adds_up for _, count, adds_up in found)


def test_subscriptions_of_many_items_have_them_all(settled: Pipeline) -> None:
    items = """
        select subscription_id, count(*) from dwh.subscription_item_dim
        where is_current and deleted_at is null group by 1 having count(*) > 20
    """
    found = rows(settled.conninfo, items)
    assert len(found) >= 2
    assert {count for _, count in found} == {24}


def test_every_tiered_price_has_its_tiers(settled: Pipeline) -> None:
    tiers = """
        select price_id, jsonb_array_length(tiers) >= 2 from dwh.price_dim
        where billing_scheme = 'tiered' and is_current
    """
    found = rows(settled.conninfo, tiers)
    assert len(found) >= 5
    assert {has_tiers for _, has_tiers in found} == {True}


def test_every_discount_that_a_document_names_is_known_with_its_coupon(settled: Pipeline) -> None:
    named = """
        with named as (
            select jsonb_path_query(payload, '$.lines.data[*].discount_amounts[*].discount') #>> '{}' as discount_id
            from raw.object where object_type = 'invoice'
            union
            select jsonb_path_query(payload, '$.data.object.lines.data[*].discount_amounts[*].discount') #>> '{}'
            from raw.event where object_type = 'invoice'
            union
            select jsonb_array_elements_text(discounts) from dwh.subscription_dim
            union
            select jsonb_array_elements_text(discounts) from dwh.subscription_item_dim
        )

        select discount_id, coupon_id is not null, deleted_at is not null
        from named left join dwh.discount_dim using (discount_id)
    """
    found = rows(settled.conninfo, named)
    assert [discount_id for discount_id, is_known, _ in found if not is_known] == []
    assert {is_deleted for _, _, is_deleted in found} == {False, True}

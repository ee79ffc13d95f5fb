"""What subscriptions go through, each written down for one customer and followed to its invoices."""

import pytest

from simulator.agreement import Agreement, Choice
from simulator.offers import CALLS, MODULES, ONE_TIME, SKUS, TEAM
from tests.simulator.living import begins, invoices, live, statuses, subscription, trialist, types
from tests.simulator.scripted import Scripted, at


def test_metered_usage_is_invoiced_when_its_period_is_over_and_when_the_subscription_ends() -> None:
    def script_of(script: Scripted) -> None:
        def leave(agreement: Agreement) -> None:
            script.do("2026-02-20T00:00:00Z", lambda m: script.billing.cancel_at_period_end(m, agreement, None))

        begins(script, "2026-01-10T00:00:00Z", ("starter", 1), (CALLS, None), then=leave)

    company = live(script_of)
    assert [[line.amount for line in invoice.lines] for invoice in invoices(company)] == [[2900], [501, 2900], [501]]
    assert invoices(company)[2].status == "paid"
    assert statuses(company) == ["incomplete", "active", "canceled"]
    assert subscription(company).latest_invoice == invoices(company)[2].id


def test_graduated_price_has_a_line_for_each_tier() -> None:
    company = live(lambda script: begins(script, "2026-01-10T00:00:00Z", (TEAM, 6)))
    assert [(line.quantity, line.amount) for line in invoices(company)[0].lines] == [(5, 8500), (1, 1200)]


@pytest.mark.parametrize(
    ("cadence", "second"),
    [
        ("day", "2026-01-11T00:00:00Z"),
        ("week", "2026-01-17T00:00:00Z"),
        ("quarter", "2026-04-10T00:00:00Z"),
    ],
)
def test_subscription_renews_by_its_cadence(cadence: str, second: str) -> None:
    company = live(lambda script: begins(script, "2026-01-10T00:00:00Z", ("starter", 1), cadence=cadence))
    assert invoices(company)[1].created == at(second)


def test_invoice_still_unpaid_when_the_next_is_due_is_voided() -> None:
    company = live(
        lambda script: begins(script, "2026-01-10T00:00:00Z", ("starter", 1), cadence="day"),
        declined=("2026-01-12",),
    )
    assert [invoice.status for invoice in invoices(company)][:5] == ["paid", "paid", "void", "paid", "paid"]
    assert statuses(company) == ["incomplete", "active", "past_due", "active"]


@pytest.mark.parametrize(
    ("behavior", "status"), [("void", "void"), ("mark_uncollectible", "uncollectible"), ("keep_as_draft", "draft")]
)
def test_nothing_is_collected_while_paused_and_it_resumes_by_itself(behavior: str, status: str) -> None:
    def script_of(script: Scripted) -> None:
        def pause(agreement: Agreement) -> None:
            until = at("2026-03-20T00:00:00Z")
            script.do("2026-01-20T00:00:00Z", lambda m: script.changes.pause(m, agreement, behavior, until))

        begins(script, "2026-01-10T00:00:00Z", ("starter", 1), then=pause)

    company = live(script_of)
    assert [invoice.status for invoice in invoices(company)] == ["paid", status, status, "paid", "paid"]
    assert statuses(company) == ["incomplete", "active"]
    assert len(company.objects["charge"].histories) == 3


def test_free_time_looks_like_a_trial_and_begins_a_new_cycle() -> None:
    def script_of(script: Scripted) -> None:
        def give(agreement: Agreement) -> None:
            script.do("2026-02-20T00:00:00Z", lambda moment: script.changes.give_free_time(moment, agreement, 30))

        begins(script, "2026-01-10T00:00:00Z", ("starter", 1), then=give)

    company = live(script_of)
    assert statuses(company) == ["incomplete", "active", "trialing", "active"]
    assert [(invoice.billing_reason, invoice.total, invoice.created) for invoice in invoices(company)][:5] == [
        ("subscription_create", 2900, at("2026-01-10T00:00:00Z")),
        ("subscription_cycle", 2900, at("2026-02-10T00:00:00Z")),
        ("subscription_update", 0, at("2026-02-20T00:00:00Z")),
        ("subscription_cycle", 2900, at("2026-03-22T00:00:00Z")),
        ("subscription_cycle", 2900, at("2026-04-22T00:00:00Z")),
    ]
    assert "customer.subscription.trial_will_end" in types(company, "customer.sub")


def test_trial_that_ends_without_a_card_is_paused_until_there_is_one() -> None:
    def script_of(script: Scripted) -> None:
        def resume(agreement: Agreement) -> None:
            script.do("2026-02-20T00:00:00Z", script.add_card)
            script.do("2026-02-20T00:00:10Z", lambda moment: script.changes.resume_trial(moment, agreement))

        trialist(script, resume)

    company = live(script_of)
    assert statuses(company) == ["trialing", "paused", "active"]
    assert [(invoice.total, invoice.created) for invoice in invoices(company)][:3] == [
        (0, at("2026-01-10T00:00:00Z")),
        (2900, at("2026-02-20T00:00:10Z")),
        (2900, at("2026-03-20T00:00:10Z")),
    ]
    assert {"customer.subscription.paused", "customer.subscription.resumed"} <= set(types(company, "customer.sub"))


def test_declined_card_leaves_the_trial_paused_and_voids_the_invoice() -> None:
    def script_of(script: Scripted) -> None:
        def resume(agreement: Agreement) -> None:
            script.do("2026-02-20T00:00:00Z", script.add_card)
            script.do("2026-02-20T00:00:10Z", lambda moment: script.changes.resume_trial(moment, agreement))

        trialist(script, resume)

    company = live(script_of, declined=("2026-02-20",))
    assert statuses(company) == ["trialing", "paused"]
    assert [invoice.status for invoice in invoices(company)] == ["paid", "void"]


def test_schedule_changes_the_price_at_the_renewal_and_lets_go_a_period_later() -> None:
    def script_of(script: Scripted) -> None:
        def agree(agreement: Agreement) -> None:
            def to_pro(moment: int) -> None:
                choice = Choice(script.price("pro", "month", moment), 1)
                script.billing.schedules.agree(moment, agreement, choice)

            script.do("2026-01-20T00:00:00Z", to_pro)

        begins(script, "2026-01-10T00:00:00Z", ("starter", 1), then=agree)

    company = live(script_of)
    assert [invoice.total for invoice in invoices(company)] == [2900, 9900, 9900, 9900, 9900]
    assert types(company, "subscription_schedule") == [
        "subscription_schedule.created",
        "subscription_schedule.updated",
        "subscription_schedule.expiring",
        "subscription_schedule.released",
    ]
    (schedule,) = company.objects["subscription_schedule"].histories
    assert [(phase.start, phase.end) for phase in schedule.state.phases] == [
        (at("2026-01-10T00:00:00Z"), at("2026-02-10T00:00:00Z")),
        (at("2026-02-10T00:00:00Z"), at("2026-03-10T00:00:00Z")),
    ]
    assert schedule.state.released_at == at("2026-03-10T00:00:00Z")
    assert subscription(company).schedule is None


def test_single_purchase_waits_for_the_next_invoice_and_goes_with_an_immediate_end() -> None:
    def script_of(script: Scripted) -> None:
        def buy(agreement: Agreement) -> None:
            def export(moment: int) -> None:
                script.changes.buy(moment, agreement, script.price(ONE_TIME, None, moment), 2)

            script.do("2026-01-20T00:00:00Z", export)
            script.do("2026-02-20T00:00:00Z", export)
            script.do(
                "2026-02-25T00:00:00Z",
                lambda m: script.billing.cancel_now(m, agreement, "requested", None, script.ledger.request()),
            )  # fmt: skip

        begins(script, "2026-01-10T00:00:00Z", ("starter", 1), then=buy)

    company = live(script_of)
    assert [[line.amount for line in invoice.lines] for invoice in invoices(company)] == [[2900], [9800, 2900]]
    assert types(company, "invoiceitem") == ["invoiceitem.created", "invoiceitem.created", "invoiceitem.deleted"]


def test_credit_to_the_balance_pays_for_the_next_invoice() -> None:
    def script_of(script: Scripted) -> None:
        def credit(moment: int) -> None:
            invoice, _ = script.billing.invoicing.last_paid
            script.billing.invoicing.credit.to_balance(moment, invoice, invoice.state.lines[0], 2900)

        begins(script, "2026-01-10T00:00:00Z", ("starter", 1), ("storage", 2))
        script.do("2026-01-20T00:00:00Z", credit)

    company = live(script_of)
    assert [(invoice.amount_due, invoice.credited_after_payment) for invoice in invoices(company)][:3] == [
        (3900, 2900),
        (1000, 0),
        (3900, 0),
    ]
    moves = [history.state for history in company.objects["customer_balance_transaction"].histories]
    assert [(move.type, move.amount, move.ending_balance) for move in moves] == [
        ("credit_note", -2900, -2900),
        ("applied_to_invoice", 2900, 0),
    ]
    (note,) = company.objects["credit_note"].histories
    assert moves[0].credit_note == note.id
    assert note.state.balance_transaction == moves[0].id


def test_refund_by_credit_note_refunds_the_charge() -> None:
    def script_of(script: Scripted) -> None:
        def credit(moment: int) -> None:
            invoice, charge = script.billing.invoicing.last_paid
            script.billing.invoicing.credit.refund(moment, invoice, charge, None, 1000)

        begins(script, "2026-01-10T00:00:00Z", ("starter", 1))
        script.do("2026-01-20T00:00:00Z", credit)

    company = live(script_of)
    (note,), (refund,) = company.objects["credit_note"].histories, company.objects["refund"].histories
    assert (note.state.refund, refund.state.amount, note.state.total) == (refund.id, 1000, 1000)
    assert company.objects["charge"].histories[0].state.amount_refunded == 1000


def test_forgiven_invoice_counts_as_paid_and_nothing_is_collected() -> None:
    def script_of(script: Scripted) -> None:
        def forgive(agreement: Agreement) -> None:
            script.do("2026-02-11T00:00:00Z", lambda m: script.billing.invoicing.forgive(m, agreement.open_run))

        begins(script, "2026-01-10T00:00:00Z", ("starter", 1), then=forgive)

    company = live(script_of, declined=("2026-02-10",))
    forgiven = invoices(company)[1]
    assert (forgiven.status, forgiven.amount_due, forgiven.credited_before_payment) == ("paid", 0, 2900)
    assert statuses(company) == ["incomplete", "active", "past_due", "active"]
    (note,) = company.objects["credit_note"].histories
    assert note.state.is_before_payment
    assert len([c for c in company.objects["charge"].histories if c.state.is_paid]) == len(invoices(company)) - 1


def test_items_come_and_go_with_their_share_of_the_period() -> None:
    def script_of(script: Scripted) -> None:
        def extend(agreement: Agreement) -> None:
            def add(moment: int) -> None:
                script.changes.add_item(moment, agreement, Choice(script.price("storage", "month", moment), 2))

            script.do("2026-02-24T00:00:00Z", add)
            script.do("2026-03-26T12:00:00Z", lambda m: script.changes.remove_item(m, agreement, 1))

        begins(script, "2026-02-10T00:00:00Z", ("starter", 1), then=extend)

    company = live(script_of)
    assert [[line.amount for line in invoice.lines] for invoice in invoices(company)] == [
        [2900],
        [500, 2900, 1000],
        [-468, 2900],
        [2900],
    ]


def test_dinars_are_prorated_in_tens() -> None:
    def script_of(script: Scripted) -> None:
        def change(agreement: Agreement) -> None:
            def to_pro(moment: int) -> None:
                script.changes.change_item(moment, agreement, 0, Choice(script.price("pro", "month", moment), 1))

            script.do("2026-02-19T07:00:00Z", to_pro)

        begins(script, "2026-02-10T00:00:00Z", ("starter", 1), then=change)

    prorated = [line.amount for line in invoices(live(script_of, "kwd"))[1].lines if line.is_proration]
    assert prorated == [-5950, 19_980]


def test_a_subscription_can_have_all_modules() -> None:
    company = live(lambda s: begins(s, "2026-01-10T00:00:00Z", *((sku, 1) for sku in SKUS[MODULES])))
    first = invoices(company)[0]
    assert len({line.price for line in first.lines}) == 24
    assert first.total == sum(700 + 100 * number for number in range(24))

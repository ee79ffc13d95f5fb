"""What discounts take off, for how long, and of what, each followed to the invoices of one customer."""

from simulator.agreement import Agreement, Choice
from tests.simulator.living import begins, grant_of, invoices, live, subscription, types
from tests.simulator.scripted import Scripted, at


def test_discount_for_once_goes_with_the_first_invoice() -> None:
    company = live(lambda script: begins(script, "2026-01-10T00:00:00Z", ("pro", 1), grants=("welcome",)))
    assert [invoice.total for invoice in invoices(company)][:3] == [7920, 9900, 9900]
    assert types(company, "customer.discount") == ["customer.discount.created", "customer.discount.deleted"]
    assert subscription(company).discounts == ()


def test_repeating_discount_ends_after_its_months() -> None:
    company = live(lambda script: begins(script, "2026-01-10T00:00:00Z", ("pro", 1), grants=("spring",)))
    assert [invoice.total for invoice in invoices(company)] == [6930, 6930, 6930, 9900, 9900]
    (discount,) = company.objects["discount"].histories
    assert discount.state.end == at("2026-04-10T00:00:00Z")


def test_two_discounts_percentage_first_and_the_promotion_code_kept() -> None:
    company = live(lambda script: begins(script, "2026-01-10T00:00:00Z", ("pro", 1), grants=("rebate", "partner")))
    assert {invoice.total for invoice in invoices(company)} == {9900 - 990 - 500}
    codes = [history.state.promotion_code for history in company.objects["discount"].histories]
    assert [code is not None for code in codes] == [False, True]


def test_discount_of_one_item_is_in_the_subtotal() -> None:
    def script_of(script: Scripted) -> None:
        def grant(agreement: Agreement) -> None:
            script.do(
                "2026-01-20T00:00:00Z",
                lambda moment: script.billing.discounts.grant(moment, agreement, grant_of(script, "loyal", moment), 1),
            )

        begins(script, "2026-01-10T00:00:00Z", ("pro", 1), ("storage", 2), then=grant)

    _, second, *_ = invoices(live(script_of))
    assert (second.subtotal, second.total, second.discounts) == (10_750, 10_750, ())
    assert [line.own_discount for line in second.lines] == [0, 150]


def test_discount_of_a_customer_holds_until_it_is_taken_away_and_only_where_there_is_no_other() -> None:
    def script_of(script: Scripted) -> None:
        discounts = script.billing.discounts
        begins(script, "2026-01-10T00:00:00Z", ("pro", 1))
        script.do("2026-01-20T00:00:00Z", lambda m: discounts.grant_customer(m, grant_of(script, "partner", m)))
        script.do("2026-02-20T00:00:00Z", lambda m: discounts.grant_customer(m, grant_of(script, "loyal", m)))
        script.do("2026-03-20T00:00:00Z", lambda m: discounts.take_away_customer(m, script.ledger.request()))

    company = live(script_of)
    assert [invoice.total for invoice in invoices(company)] == [9900, 8910, 8415, 9900, 9900]
    assert types(company, "customer.discount") == [
        "customer.discount.created",
        "customer.discount.updated",
        "customer.discount.deleted",
    ]


def test_change_prorates_what_is_paid_after_discounts() -> None:
    def script_of(script: Scripted) -> None:
        def change(agreement: Agreement) -> None:
            def to_pro(moment: int) -> None:
                script.changes.change_item(moment, agreement, 0, Choice(script.price("pro", "month", moment), 1))

            script.do("2026-02-24T00:00:00Z", to_pro)

        begins(script, "2026-02-10T00:00:00Z", ("starter", 1), grants=("partner",), then=change)

    company = live(script_of)
    assert [line.amount for line in invoices(company)[1].lines] == [-1305, 4455, 9900]
    assert invoices(company)[1].total == 4455 - 1305 + 8910
    items = [history.state for history in company.objects["invoiceitem"].histories]
    assert [(item.amount, item.invoice) for item in items] == [
        (-1305, invoices(company)[1].id),
        (4455, invoices(company)[1].id),
    ]

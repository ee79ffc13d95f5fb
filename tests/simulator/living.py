"""A company of one customer who does what a test writes down, and what became of it."""

from collections.abc import Callable

from simulator.agreement import Agreement, Choice
from simulator.company import Company
from simulator.promotions import Grant
from simulator.states import Invoice, Subscription
from tests.simulator.scripted import Scripted, at, scripted_company

UNTIL = "2026-06-01T00:00:00Z"


def live(script_of: Callable[[Scripted], None], currency: str = "usd", declined: tuple[str, ...] = ()) -> Company:
    """A company with one customer, who acts as `script_of` schedules."""

    def maker(index: int, catalog: object) -> Scripted:
        script = Scripted(index, currency, catalog, declined)
        script_of(script)
        return script

    company = scripted_company("2025-12-20T00:00:00Z", maker)
    company.extend(at(UNTIL))
    return company


def invoices(company: Company) -> list[Invoice]:
    return [history.state for history in company.objects["invoice"].histories]


def statuses(company: Company) -> list[str]:
    (history,) = company.objects["subscription"].histories
    changes = [history.states[0].status]
    for state in history.states:
        if state.status != changes[-1]:
            changes.append(state.status)
    return changes


def subscription(company: Company) -> Subscription:
    return company.objects["subscription"].histories[0].state


def types(company: Company, prefix: str) -> list[str]:
    return [event.type for event in company.events if event.type.startswith(prefix)]


def begins(
    script: Scripted,
    when: str,
    *skus: tuple[str, int | None],
    cadence: str = "month",
    then: Callable[[Agreement], None] = lambda agreement: None,
    grants: tuple[str, ...] = (),
    **terms: object,
) -> None:
    def start(moment: int) -> None:
        script.join(moment)
        choices = [Choice(script.price(sku, cadence, moment), quantity) for sku, quantity in skus]
        given = [grant_of(script, name, moment) for name in grants]
        then(script.billing.subscribe(moment, choices, script.ledger.request(), grants=given, **terms))

    script.do(when, start)


def grant_of(script: Scripted, deal: str, moment: int) -> Grant:
    grant = script.catalog.promotions.offer(deal, script.currency, moment)
    assert grant is not None
    return grant


def trialist(script: Scripted, after: Callable[[Agreement], None]) -> None:
    def start(moment: int) -> None:
        script.join(moment, has_card=False)
        choice = Choice(script.price("starter", "month", moment), 1)
        request = script.ledger.request()
        after(script.billing.subscribe(moment, [choice], request, 14, pauses_without_card=True))

    script.do("2026-01-10T00:00:00Z", start)

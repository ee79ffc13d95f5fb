"""The seed fixes everything, and the future never changes the past."""

import pytest

from simulator.company import Company
from simulator.events import EventStore
from simulator.shapes.endive import EndiveShape
from tests.simulator.conftest import FOUNDED, NOW, make_company

DAY = 86_400


def _bodies(company: Company, until: float) -> list[bytes]:
    store = EventStore(company, EndiveShape(company.catalog, company.account_id))
    return [store.body(event) for event in company.events if event.at < until]


def _objects(company: Company, until: float) -> list[tuple[str, str, object]]:
    return [
        (kind, history.id, history.state_at(until))
        for kind, index in company.objects.items()
        for history in index.histories
        if history.created <= until
    ]


def _ids(company: Company) -> set[str]:
    """Of the account, its customers and all other objects, and its events."""
    objects = {object_id for index in company.objects.values() for object_id in index.by_id}
    return {company.account_id} | objects | {event.id for event in company.events}


def test_same_seed_gives_the_same_bytes(company: Company) -> None:
    again = make_company()
    again.ensure(NOW)
    assert _bodies(again, NOW) == _bodies(company, NOW)


def test_another_seed_gives_another_company(company: Company) -> None:
    other = make_company(seed=13)
    other.ensure(NOW)
    assert not {event.id for event in other.events} & {event.id for event in company.events}


@pytest.mark.parametrize(
    "changed", [{"founded": FOUNDED - DAY}, {"customers": 151}, {"months": 7}], ids=["founded", "customers", "months"]
)
def test_companies_of_one_seed_that_differ_otherwise_share_no_id(company: Company, changed: dict[str, int]) -> None:
    arguments = {"founded": company.founded, "customers": company.customers, "months": company.months} | changed
    other = Company(company.seed, **arguments)
    other.ensure(NOW)
    assert len(_ids(other)) > 1000
    assert not _ids(other) & _ids(company)


def test_many_small_steps_give_what_one_big_one_gives(company: Company) -> None:
    stepwise = make_company()
    at = FOUNDED
    while at < company.horizon:
        at = min(company.horizon, at + 40_009)
        stepwise.extend(at)
    assert _bodies(stepwise, company.horizon) == _bodies(company, company.horizon)
    assert _objects(stepwise, NOW) == _objects(company, NOW)


def test_a_later_horizon_leaves_the_past_as_it_was(company: Company) -> None:
    longer = make_company()
    longer.extend(int(NOW) + 300 * DAY)
    assert _bodies(longer, NOW) == _bodies(company, NOW)
    assert _objects(longer, NOW) == _objects(company, NOW)
    assert len(longer.events) > len(company.events) + 1000


def test_customers_join_at_the_rate_asked_for_and_go_on_joining() -> None:
    grown = Company(3, FOUNDED, customers=300, months=3)
    span = 90 * DAY
    grown.extend(FOUNDED + span)
    assert len(grown.members) == 300
    grown.extend(FOUNDED + 2 * span)
    assert 430 <= len(grown.members) - 300 <= 470

"""What simulated people tell of themselves, and where Stripe's documents show it."""

from random import Random

import httpx
import pytest

from simulator.company import Company
from simulator.people import Person, make_person
from tests.simulator.conftest import FOUNDED, NOW, all_pages


def test_telling_more_or_less_steers_nothing_else() -> None:
    def rest(person: Person) -> tuple[str, ...]:
        address = person.contact.address
        return (person.name, person.email, person.currency, person.user_id, address.country, address.postal_code)

    streams = [Random("a"), Random("a")]
    people = [make_person(rng, 7, Random(seed)) for rng, seed in zip(streams, ("quiet", "talkative"), strict=True)]
    assert people[0].contact != people[1].contact
    assert rest(people[0]) == rest(people[1])
    assert streams[0].random() == streams[1].random()


@pytest.mark.parametrize(
    ("path", "least", "most"),
    [
        ("phone", 0.4, 0.7),
        ("address.line1", 0.45, 0.75),
        ("address.line2", 0.08, 0.3),
        ("shipping.address.line1", 0.2, 0.45),
        ("description", 0.1, 0.3),
    ],
)
def test_some_tell_it_and_others_do_not(api: httpx.Client, path: str, least: float, most: float) -> None:
    customers = all_pages(api, "/v1/customers")
    told = [customer for customer in customers if at(customer, path) is not None]
    assert least < len(told) / len(customers) < most
    if path != "address.line2":  # nobody else's, unlike names, cities and floors
        assert len({at(customer, path) for customer in told}) == len(told)


def at(document: dict, path: str) -> object:
    value: object = document
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def test_charges_and_invoices_show_what_the_customer_told(api: httpx.Client, company: Company) -> None:
    steady = {
        history.id
        for history in company.objects["customer"].histories
        if len({(state.email, state.contact) for state in history.states}) == 1
    }
    customers = {item["id"]: item for item in all_pages(api, "/v1/customers") if item["id"] in steady}
    seen = set()
    for invoice in all_pages(api, "/v1/invoices"):
        if customer := customers.get(invoice["customer"]):
            for name in ("address", "email", "name", "phone", "shipping"):
                assert invoice[f"customer_{name}"] == customer[name]
                seen.add((f"invoice.{name}", customer[name] is not None))
    for charge in all_pages(api, "/v1/charges"):
        if customer := customers.get(charge["customer"]):
            for name in ("address", "email", "name", "phone"):
                assert charge["billing_details"][name] == customer[name]
            assert charge["receipt_email"] in (None, customer["email"])
            seen.add(("charge.phone", customer["phone"] is not None))
            seen.add(("charge.receipt_email", charge["receipt_email"] is not None))
    for place in ("invoice.phone", "invoice.shipping", "charge.phone", "charge.receipt_email"):
        assert {(place, True), (place, False)} <= seen


def test_who_moves_has_another_street_and_old_invoices_keep_the_old_one() -> None:
    company = Company(60, FOUNDED, customers=600, months=6)
    company.ensure(NOW)
    moved = 0
    for history in company.objects["customer"].histories:
        addresses = list(dict.fromkeys(state.contact.address for state in history.states))
        if len(addresses) == 1 or addresses[0].line1 is None:
            continue
        moved += 1
        assert len({address.line1 for address in addresses}) == len(addresses)
        assert {address.country for address in addresses} == {addresses[0].country}
        first = company.objects["invoice"].by_customer[history.id][0]
        assert {state.customer_address for state in first.states} == {addresses[0]}
    assert moved > 0

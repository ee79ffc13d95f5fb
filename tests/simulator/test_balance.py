"""The balance is coherent: transactions, payouts, disputes and the books tell one story through the API."""

from collections import defaultdict
from collections.abc import Iterator

import httpx
import pytest

from simulator.app import DEFAULT_KEY, create_app
from simulator.clock import Clock
from simulator.company import Company
from simulator.server import serve_in_thread
from tests.simulator.conftest import FOUNDED, NOW, all_pages


@pytest.fixture(scope="module")
def rich_company() -> Company:
    """Enough customers for every kind of dispute, and for failed payouts and refunds."""
    return Company(11, FOUNDED, customers=900, months=6)


@pytest.fixture(scope="module")
def rich_api(rich_company: Company) -> Iterator[httpx.Client]:
    """A client of its server, which no test changes."""
    app = create_app(rich_company, Clock(NOW, frozen=True), rate_limit=0)
    with (
        serve_in_thread(app) as url,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {DEFAULT_KEY}"}, timeout=60) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def transactions(rich_api: httpx.Client) -> dict[str, dict]:
    return {item["id"]: item for item in all_pages(rich_api, "/v1/balance_transactions")}


def test_every_kind_of_movement_is_there(transactions: dict[str, dict]) -> None:
    categories = {item["reporting_category"] for item in transactions.values()}
    assert categories == {
        "charge",
        "refund",
        "refund_failure",
        "dispute",
        "dispute_reversal",
        "payout",
        "payout_reversal",
        "transfer",
        "transfer_reversal",
        "fee",
        "other_adjustment",
    }


def test_every_kind_of_event_about_money_is_there(rich_company: Company) -> None:
    rich_company.ensure(NOW)
    assert {
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
        "charge.updated",
        "payout.created",
        "payout.updated",
        "payout.reconciliation_completed",
        "payout.paid",
        "payout.failed",
        "transfer.created",
        "transfer.reversed",
        "setup_intent.created",
        "setup_intent.setup_failed",
        "setup_intent.succeeded",
        "checkout.session.completed",
        "checkout.session.expired",
        "refund.failed",
        "payment_method.detached",
        "payment_method.updated",
    } <= {event.type for event in rich_company.events if event.at <= NOW}


def test_net_is_amount_less_fee_and_the_fee_its_details(transactions: dict[str, dict]) -> None:
    for item in transactions.values():
        assert item["net"] == item["amount"] - item["fee"]
        assert item["fee"] == sum(detail["amount"] for detail in item["fee_details"])
        assert all(detail["currency"] == item["currency"] for detail in item["fee_details"])


def test_every_successful_charge_has_its_transaction_and_no_other_has(
    rich_api: httpx.Client, transactions: dict[str, dict]
) -> None:
    charges = all_pages(rich_api, "/v1/charges")
    expected = {}
    for charge in charges:
        assert (charge["balance_transaction"] is not None) == charge["paid"]
        if charge["paid"]:
            item = transactions[charge["balance_transaction"]]
            assert (item["type"], item["source"], item["created"]) == ("charge", charge["id"], charge["created"])
            if item["currency"] == charge["currency"]:
                assert (item["amount"], item["exchange_rate"]) == (charge["amount"], None)
            else:
                assert item["currency"] == "usd"
                assert abs(item["amount"] - charge["amount"] * item["exchange_rate"]) <= 0.501
            expected[item["id"]] = charge["id"]
    assert expected == {item["id"]: item["source"] for item in transactions.values() if item["type"] == "charge"}


def test_refunds_name_their_transactions(rich_api: httpx.Client, transactions: dict[str, dict]) -> None:
    failed = 0
    for refund in all_pages(rich_api, "/v1/refunds"):
        taken = transactions[refund["balance_transaction"]]
        assert (taken["type"], taken["source"]) == ("refund", refund["id"])
        assert taken["amount"] < 0
        if refund["status"] == "failed":
            back = transactions[refund["failure_balance_transaction"]]
            assert (back["type"], back["source"]) == ("refund_failure", refund["id"])
            failed += 1
    assert failed


def test_dispute_embeds_the_transactions_that_are_listed(rich_api: httpx.Client, transactions: dict[str, dict]) -> None:
    statuses = set()
    for dispute in all_pages(rich_api, "/v1/disputes"):
        statuses.add(dispute["status"])
        for item in dispute["balance_transactions"]:
            assert item == transactions[item["id"]]
            assert item["source"] == dispute["id"]
        count = {"won": 2, "lost": 1, "needs_response": 1, "under_review": 1}.get(dispute["status"], 0)
        assert len(dispute["balance_transactions"]) == count
        charge = rich_api.get(f"/v1/charges/{dispute['charge']}").json()
        assert charge["disputed"] is True
        assert all_pages(rich_api, "/v1/disputes", charge=charge["id"]) == [dispute]
    assert {"won", "lost"} <= statuses


def test_charges_without_a_dispute_are_not_disputed(rich_api: httpx.Client) -> None:
    disputed = {dispute["charge"] for dispute in all_pages(rich_api, "/v1/disputes")}
    assert {charge["id"] for charge in all_pages(rich_api, "/v1/charges") if charge["disputed"]} == disputed


def test_payout_is_the_sum_of_what_it_pays_out(rich_api: httpx.Client) -> None:
    for payout in all_pages(rich_api, "/v1/payouts")[::5]:
        found = all_pages(rich_api, "/v1/balance_transactions", payout=payout["id"])
        others = [item for item in found if item["type"] != "payout"]
        assert others
        assert {item["currency"] for item in found} == {payout["currency"]}
        assert sum(item["net"] for item in others) == payout["amount"]
        (own,) = (item for item in found if item["type"] == "payout")
        assert (own["id"], own["source"], own["net"]) == (
            payout["balance_transaction"],
            payout["id"],
            -payout["amount"],
        )
        assert all(item["available_on"] <= payout["created"] for item in others)


def test_all_but_the_latest_movements_are_paid_out(rich_company: Company, transactions: dict[str, dict]) -> None:
    index = rich_company.objects["balance_transaction"]
    waiting = [item for key, item in transactions.items() if index.by_id[key].known_at(NOW).payout is None]
    assert waiting
    assert all(item["created"] > NOW - 14 * 86_400 for item in waiting)


def test_failed_payout_is_back_in_the_balance(rich_api: httpx.Client, transactions: dict[str, dict]) -> None:
    failed = all_pages(rich_api, "/v1/payouts", status="failed")
    assert failed
    for payout in failed:
        back = transactions[payout["failure_balance_transaction"]]
        assert (back["type"], back["net"], back["source"]) == ("payout_failure", payout["amount"], payout["id"])
        assert payout["failure_code"]
        assert payout["failure_message"]


def test_balance_is_the_sum_of_all_transactions(rich_api: httpx.Client, transactions: dict[str, dict]) -> None:
    balance = rich_api.get("/v1/balance").json()
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for item in transactions.values():
        sums[item["status"], item["currency"]] += item["net"]
    for name in ("available", "pending"):
        assert {part["currency"]: part["amount"] for part in balance[name]} == {
            currency: sums[name, currency] for currency in ("eur", "usd")
        }


def test_books_of_the_balance_are_the_sums_of_the_list(rich_api: httpx.Client, transactions: dict[str, dict]) -> None:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for item in transactions.values():
        cell = sums[item["currency"], item["type"]]
        cell[0] += 1
        cell[1] += item["fee"]
        cell[2] += item["net"]
    booked: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rich_api.get("/_sim/books/balance").json():
        cell = booked[row["currency"], row["type"]]
        cell[0] += row["transactions"]
        cell[1] += row["fee_minor"]
        cell[2] += row["net_minor"]
    assert booked == sums


def test_books_of_payouts_are_the_list(rich_api: httpx.Client) -> None:
    listed = [
        (item["id"], item["currency"], item["status"], item["amount"]) for item in all_pages(rich_api, "/v1/payouts")
    ]
    rows = rich_api.get("/_sim/books/payouts").json()
    assert [(r["id"], r["currency"], r["status"], r["amount_minor"]) for r in reversed(rows)] == listed
    assert all(row["transactions_net_minor"] == row["amount_minor"] for row in rows)


def test_disputes_by_customer_and_by_month_agree(rich_api: httpx.Client) -> None:
    monthly = rich_api.get("/_sim/books/monthly").json()
    customers = rich_api.get("/_sim/books/customers").json()
    net = sum(row["disputes_minor"] for row in monthly)
    assert net == sum(row["disputes_minor"] for row in customers)
    lost = [d for d in all_pages(rich_api, "/v1/disputes") if d["balance_transactions"] and d["status"] != "won"]
    assert net == sum(dispute["amount"] for dispute in lost) > 0


@pytest.mark.parametrize(("name", "value"), [("type", "refund"), ("currency", "eur"), ("source", None)])
def test_transactions_are_filtered(
    rich_api: httpx.Client, transactions: dict[str, dict], name: str, value: str | None
) -> None:
    wanted = value or next(item["source"] for item in transactions.values() if item["type"] == "refund_failure")
    expected = [item["id"] for item in transactions.values() if item[name] == wanted]
    found = all_pages(rich_api, "/v1/balance_transactions", **{name: wanted})
    assert [item["id"] for item in found] == expected
    assert 0 < len(found) < len(transactions)


def test_transaction_is_pending_until_it_is_available(own_api: httpx.Client) -> None:
    (newest,) = all_pages(own_api, "/v1/balance_transactions", type="charge")[:1]
    assert newest["status"] == "pending"
    own_api.post("/_sim/clock", json={"advance_seconds": 3 * 86_400})
    later = own_api.get(f"/v1/balance_transactions/{newest['id']}").json()
    assert later == {**newest, "status": "available"}


def test_no_event_tells_of_a_balance_transaction(company: Company) -> None:
    assert company.objects["balance_transaction"].histories
    assert not [event for event in company.events if event.kind == "balance_transaction"]


def test_reversed_transfer_embeds_its_reversal(rich_api: httpx.Client, transactions: dict[str, dict]) -> None:
    transfers = all_pages(rich_api, "/v1/transfers")
    for transfer in transfers:
        assert transactions[transfer["balance_transaction"]]["net"] == -transfer["amount"]
        reversals = transfer["reversals"]["data"]
        assert transfer["amount_reversed"] == sum(part["amount"] for part in reversals)
        for part in reversals:
            back = transactions[part["balance_transaction"]]
            assert (back["type"], back["net"]) == ("transfer_refund", part["amount"])
    assert {bool(transfer["reversals"]["data"]) for transfer in transfers} == {True, False}


def test_completed_checkout_names_what_it_started(rich_api: httpx.Client) -> None:
    sessions = all_pages(rich_api, "/v1/checkout/sessions", status="complete")
    assert len(sessions) > 50
    for session in sessions[::5]:
        subscription = rich_api.get(f"/v1/subscriptions/{session['subscription']}").json()
        invoice = rich_api.get(f"/v1/invoices/{session['invoice']}").json()
        assert subscription["customer"] == invoice["customer"] == session["customer"]
        assert invoice["amount_paid"] == session["amount_total"]
        assert session["created"] < subscription["created"] < session["expires_at"]
        assert session["payment_status"] == ("paid" if session["amount_total"] else "no_payment_required")
    for session in all_pages(rich_api, "/v1/checkout/sessions", status="expired"):
        assert (session["subscription"], session["url"]) == (None, None)


def test_set_up_card_is_its_customers(rich_api: httpx.Client) -> None:
    intents = all_pages(rich_api, "/v1/setup_intents")
    assert len(intents) > 100
    for intent in intents[::20]:
        card = rich_api.get(f"/v1/payment_methods/{intent['payment_method']}").json()
        assert card["customer"] in (intent["customer"], None)  # None: replaced since
        assert intent["status"] == "succeeded"

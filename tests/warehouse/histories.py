"""Histories of objects for the property test: any documents of any kind, in few seconds and of few objects."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.warehouse.raw_rows import Version, moment

START = moment("2026-03-01T00:00:00")
# Few seconds and few objects, so that ties, late rows and rows after a deletion are the rule.
seconds = st.integers(0, 6)
# As far apart as staging places the events of one second.
orders = st.integers(-3, 0).map(lambda place: place * 2**32)
few = st.integers(1, 2)
# Long before the events, so that there is a past to be told.
SUBSCRIBED = int(START.timestamp()) - 90 * 86_400
ACCOUNTS = ["acct_test", "acct_other"]
amounts = st.sampled_from([0, 700, 2900, 9900])
recurring = st.fixed_dictionaries(
    {"interval": st.sampled_from(["month", "year"]), "usage_type": st.sampled_from(["licensed", "metered"])}
)


def epoch(at: datetime) -> int:
    return int(at.timestamp())


def reference(prefix: str) -> st.SearchStrategy[str]:
    return st.builds("{}_{}".format, st.just(prefix), few)


customers = st.fixed_dictionaries(
    {
        "object": st.just("customer"),
        "id": reference("cus"),
        "email": st.sampled_from(["a@example.com", "b@example.com"]),
        "delinquent": st.booleans(),
        "balance": st.sampled_from([0, -500]),
        "created": st.just(epoch(START)),
    }
)
items = st.lists(
    st.fixed_dictionaries(
        {
            "id": reference("si"),
            "quantity": few,
            "price": st.fixed_dictionaries(
                {"id": reference("price"), "unit_amount": amounts, "currency": st.just("usd")},
                optional={"recurring": recurring},
            ),
        }
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda item: item["id"],
)
subscriptions = st.fixed_dictionaries(
    {
        "object": st.just("subscription"),
        # an item belongs to one subscription for ever
        "id": st.just("sub_1"),
        "customer": reference("cus"),
        "status": st.sampled_from(["trialing", "active", "past_due", "canceled"]),
        "currency": st.sampled_from(["usd", "eur"]),
        "discounts": st.lists(reference("di") | st.fixed_dictionaries({"id": reference("di")}), max_size=1),
        "created": st.just(SUBSCRIBED),
        "trial_start": st.just(SUBSCRIBED),
        "trial_end": st.just(SUBSCRIBED + 86_400),
        "ended_at": st.sampled_from([None, epoch(START)]),
        "items": st.fixed_dictionaries({"data": items, "has_more": st.booleans()}),
    }
)


def refunds_of(number: st.SearchStrategy[int]) -> st.SearchStrategy[dict[str, Any]]:
    """Refunds of a charge; a refund belongs to one charge for ever."""
    return number.flatmap(
        lambda n: st.fixed_dictionaries(
            {
                "object": st.just("refund"),
                "id": st.just(f"re_{n}"),
                "charge": st.just(f"ch_{n}"),
                "amount": amounts,
                "currency": st.just("usd"),
                "status": st.sampled_from(["pending", "succeeded", "failed"]),
                "created": st.just(epoch(START)),
            }
        )
    )


refunds = refunds_of(few)
charges = few.flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "object": st.just("charge"),
            "id": st.just(f"ch_{n}"),
            "customer": reference("cus"),
            "amount": amounts,
            "currency": st.just("usd"),
            "status": st.sampled_from(["pending", "succeeded", "failed"]),
            "payment_method": reference("pm"),
            "payment_method_details": st.fixed_dictionaries(
                {
                    "type": st.just("card"),
                    "card": st.fixed_dictionaries({"last4": st.sampled_from(["4242", "0005"])}),
                }
            ),
            "captured": st.booleans(),
            "amount_refunded": amounts,
            "balance_transaction": reference("txn"),
            # two charges of one second do not show one card in two states
            "created": st.just(epoch(START) + n),
            "refunds": st.fixed_dictionaries({"data": st.lists(refunds_of(st.just(n)), max_size=1)}),
        },
        # old shapes tell it, newer ones do not
        optional={"invoice": reference("in")},
    )
)
payment_methods = st.fixed_dictionaries(
    {
        "object": st.just("payment_method"),
        "id": reference("pm"),
        "type": st.just("card"),
        "card": st.fixed_dictionaries({"last4": st.sampled_from(["4242", "0005"])}),
        "customer": reference("cus"),
        "created": st.just(epoch(START)),
    }
)
products = st.fixed_dictionaries(
    {
        "object": st.just("product"),
        "id": reference("prod"),
        "name": st.sampled_from(["Basic", "Starter"]),
        "active": st.booleans(),
        "created": st.just(epoch(START)),
    }
)
prices = st.fixed_dictionaries(
    {
        "object": st.sampled_from(["price", "plan"]),
        "id": reference("price"),
        "product": reference("prod"),
        "unit_amount_decimal": st.sampled_from(["2900", "0.25"]),
        "billing_scheme": st.sampled_from(["per_unit", "tiered"]),
        "currency": st.just("usd"),
        "active": st.booleans(),
        "created": st.just(epoch(START)),
    },
    # what only one of the two has, and what only lists show
    optional={
        "lookup_key": st.sampled_from(["one", "two"]),
        "tiers": st.none() | st.lists(st.fixed_dictionaries({"up_to": st.none(), "unit_amount": amounts}), max_size=1),
        "currency_options": st.fixed_dictionaries({"eur": amounts}),
        "recurring": recurring,
    },
)
cards = st.fixed_dictionaries(
    {
        "object": st.sampled_from(["card", "source"]),
        "id": reference("pm"),
        "brand": st.sampled_from(["Visa", "MasterCard"]),
        "customer": reference("cus"),
    }
)
lines = st.fixed_dictionaries(
    {
        "id": reference("il"),
        "type": st.sampled_from(["subscription", "invoiceitem"]),
        "amount": st.sampled_from([-700, 0, 700, 2900]),
        "quantity": few,
        "currency": st.just("usd"),
        "price": st.fixed_dictionaries({"id": reference("price")}),
        # none, one of those that the subscription has, or one that only invoices tell of
        "subscription_item": st.sampled_from([None, "si_1", "si_2", "si_3"]),
        "proration": st.booleans(),
        "period": st.integers(0, 91).map(
            lambda day: {"start": SUBSCRIBED + day * 86_400, "end": SUBSCRIBED + (day + 30) * 86_400}
        ),
    }
)
# When an invoice was made, and for which subscription, never changes.
invoices = few.flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "object": st.just("invoice"),
            "id": st.just(f"in_{n}"),
            "customer": reference("cus"),
            "subscription": st.just("sub_1"),
            "total": amounts,
            "currency": st.just("usd"),
            "status": st.sampled_from(["draft", "open", "paid"]),
            "billing_reason": st.sampled_from(["subscription_create", "subscription_cycle"]),
            "attempt_count": st.integers(0, 2),
            "auto_advance": st.booleans(),
            "status_transitions": st.sampled_from(
                [None, {"finalized_at": SUBSCRIBED + 100_000, "paid_at": SUBSCRIBED + 200_000}]
            ),
            "created": st.just(SUBSCRIBED + n * 40 * 86_400),
            "period_start": st.just(SUBSCRIBED + n * 10 * 86_400),
            "lines": st.fixed_dictionaries(
                {
                    "data": st.lists(lines, max_size=2, unique_by=lambda line: line["id"]),
                    "has_more": st.booleans(),
                }
            ),
        },
        # old shapes tell them, newer ones do not
        optional={"charge": reference("ch"), "payment_intent": reference("pi")},
    )
)
coupons = st.fixed_dictionaries(
    {
        "object": st.just("coupon"),
        "id": reference("co"),
        "times_redeemed": few,
        "duration": st.just("once"),
        # deleted, and made anew under its id
        "created": st.sampled_from([epoch(START), epoch(START) + 3]),
    },
    # a list tells it, an event does not
    optional={"applies_to": st.fixed_dictionaries({"products": st.lists(reference("prod"), min_size=1, max_size=1)})},
)
discounts = st.fixed_dictionaries(
    {
        "object": st.just("discount"),
        "id": reference("di"),
        "customer": reference("cus"),
        "source": st.fixed_dictionaries({"coupon": st.one_of(reference("co"), coupons)}),
        "start": st.just(epoch(START)),
    },
    optional={"subscription": reference("sub")},
)
customers_with_cards = st.builds(
    lambda body, card: {**body, "default_source": card["id"], "sources": {"object": "list", "data": [card]}},
    customers,
    cards,
)
customers_with_discounts = st.builds(lambda body, discount: {**body, "discount": discount}, customers, discounts)
subscriptions_with_discounts = st.builds(
    lambda body, discount: {**body, "discounts": [discount]}, subscriptions, st.one_of(discounts, reference("di"))
)
# what was deleted since, as a list shows it
deleted_discounts = st.builds(lambda discount: {**discount, "deleted": True}, discounts)
invoices_with_discounts = st.builds(
    lambda body, discount: {**body, "discounts": [discount]}, invoices, st.one_of(discounts, deleted_discounts)
)


def balance_transactions_of(source: str, ids: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "object": st.just("balance_transaction"),
            "id": st.sampled_from(ids),
            "source": st.just(source),
            "amount": st.sampled_from([-700, 700]),
            "fee": few,
            "currency": st.sampled_from(["usd", "eur"]),
            "reporting_category": st.sampled_from(["refund", "partial_capture_reversal"]),
            "created": st.builds(lambda n: epoch(START) + n, seconds),
        },
        optional={"exchange_rate": st.sampled_from([None, 0.9, 1.1])},
    )


# what a refund moved, known by itself, from inside the refund, or by its id only
balance_transactions = few.flatmap(lambda n: balance_transactions_of(f"re_{n}", [f"txn_re_{n}"]))
settled_refunds = few.flatmap(
    lambda n: st.builds(
        lambda body, settled: {**body, "balance_transaction": settled},
        refunds_of(st.just(n)),
        st.one_of(st.none(), st.just(f"txn_re_{n}"), balance_transactions_of(f"re_{n}", [f"txn_re_{n}"])),
    )
)
partial_charges = st.builds(lambda body, captured: {**body, "amount_captured": captured}, charges, amounts)
disputes = few.flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "object": st.just("dispute"),
            "id": st.just(f"dp_{n}"),
            "charge": reference("ch"),
            "amount": amounts,
            "currency": st.just("usd"),
            "status": st.sampled_from(["warning_closed", "needs_response", "won", "lost"]),
            "created": st.just(epoch(START)),
        },
        optional={
            "balance_transactions": st.lists(
                balance_transactions_of(f"dp_{n}", [f"txn_dp_{n}_1", f"txn_dp_{n}_2"]),
                max_size=2,
                unique_by=lambda body: body["id"],
            )
        },
    )
)
# what a payout took along, once somebody asked for it
payouts = few.flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "object": st.just("payout"),
            "id": st.just(f"po_{n}"),
            "automatic": st.booleans(),
            "status": st.sampled_from(["pending", "paid", "failed"]),
            "currency": st.just("usd"),
            "amount": amounts,
        },
        optional={
            "reconciliation_status": st.sampled_from(["in_progress", "completed", "not_applicable"]),
            "balance_transactions": st.fixed_dictionaries(
                {
                    "data": st.lists(
                        balance_transactions_of(f"re_{n}", [f"txn_re_{n}", f"txn_po_{n}"]),
                        max_size=2,
                        unique_by=lambda body: body["id"],
                    )
                }
            ),
        },
    )
)
invoice_payments = st.fixed_dictionaries(
    {
        "object": st.just("invoice_payment"),
        "id": reference("inpay"),
        "invoice": reference("in"),
        "payment": st.fixed_dictionaries({"type": st.just("payment_intent"), "payment_intent": reference("pi")}),
        "status": st.sampled_from(["open", "paid"]),
        "currency": st.just("usd"),
    }
)
invoices_with_payments = st.builds(
    lambda body, payment: {**body, "payments": {"data": [payment]}}, invoices, invoice_payments
)
plain = st.fixed_dictionaries(
    {
        "object": st.sampled_from(["payment_intent", "credit_note", "payout", "transfer"]),
        "id": reference("one"),
        "status": st.sampled_from(["a", "b", "c"]),
        "currency": st.just("usd"),
        "amount": amounts,
    },
    optional={"invoice": reference("in"), "payment_method": reference("pm")},
)
users = st.builds(
    lambda body, metadata: {**body, "metadata": metadata},
    customers,
    st.sampled_from([{}, {"user_id": "u_1"}, {"user_id": "u_2"}]),
)
verbs = {
    "customer": ["created", "updated", "deleted"],
    "subscription": ["created", "updated", "deleted"],
    "refund": ["created", "updated"],
    "charge": ["succeeded", "updated", "refunded"],
    "payment_method": ["attached", "updated"],
    "invoice": ["created", "finalized", "paid", "deleted"],
    "product": ["created", "updated", "deleted"],
    "price": ["created", "updated", "deleted"],
    "plan": ["created", "updated", "deleted"],
    "card": ["created", "updated", "deleted"],
    "source": ["created", "updated", "deleted"],
    "coupon": ["created", "updated", "deleted"],
    "discount": ["created", "updated", "deleted"],
    "dispute": ["created", "updated", "funds_withdrawn", "closed"],
    "invoice_payment": ["paid"],
    "payment_intent": ["created", "succeeded"],
    "credit_note": ["created", "voided"],
    "payout": ["created", "paid"],
    "transfer": ["created", "paid"],
    "balance_transaction": [],
}


# half of the histories' rows are about money, so that what moves it meets
MONEY = [charges, partial_charges, refunds, settled_refunds, balance_transactions, disputes, payouts]
OTHERS = [
    *[customers, customers_with_cards, customers_with_discounts, users, subscriptions, subscriptions_with_discounts],
    *[invoices, invoices_with_discounts, invoices_with_payments, invoice_payments],
    *[payment_methods, products, prices, cards, coupons, discounts, plain],
]
SUBSCRIBED_TO = [subscriptions, subscriptions_with_discounts, invoices, prices]

# What Stripe answers with a stub once it is deleted.
STUBS = {"customer", "product", "price", "invoice", "card", "coupon"}


@st.composite
def versions(draw: st.DrawFn, *groups: list[st.SearchStrategy[dict[str, Any]]]) -> Version:
    body: dict[str, Any] = draw(st.one_of(*draw(st.sampled_from(groups))))
    at = START + timedelta(seconds=draw(seconds))
    account = draw(st.sampled_from(ACCOUNTS))
    verb = draw(st.sampled_from([None, *verbs[body["object"]]]))
    if verb is None:
        if body["object"] in STUBS and draw(st.booleans()):
            body = {"object": body["object"], "id": body["id"], "deleted": True}
        observed_at = at + timedelta(microseconds=draw(st.integers(0, 999_999)))
        return Version(observed_at, None, body, account_id=account)
    prefix = {
        "subscription": "customer.subscription",
        "discount": "customer.discount",
        "dispute": "charge.dispute",
        "card": "customer.source",
        "source": "customer.source",
    }.get(body["object"], body["object"])
    # what it says of the state before may be right or wrong
    said = {key: body[key] for key in ("email", "status", "name", "items") if key in body}
    return Version(at, f"{prefix}.{verb}", body, draw(orders), previous_attributes=said, account_id=account)


def distinct(version: Version) -> tuple[Any, ...]:
    """In Stripe a place in a second's listing holds one event, and one observation of an object one state."""
    if version.event_type is None:
        return (version.account_id, version.at, version.body["object"], version.body["id"])
    return (version.account_id, version.at, version.listing_order)


histories = st.lists(versions(MONEY, OTHERS), min_size=2, max_size=14, unique_by=distinct)
# Mostly subscriptions and their invoices: their pasts depend on one another.
subscribed = st.lists(versions(SUBSCRIBED_TO), min_size=3, max_size=12, unique_by=distinct)

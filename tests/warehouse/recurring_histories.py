"""Histories of what MRR depends on, for the property test: tiers, packages, discounts of every duration, pauses.

As in `histories`: few objects in few seconds. What Stripe never changes of an object never changes here either.
"""

from typing import Any

from hypothesis import strategies as st

from tests.warehouse.histories import START, SUBSCRIBED, distinct, epoch, versions

DAY = 86_400
MONTHLY, YEARLY = ({"interval": interval, "usage_type": "licensed"} for interval in ("month", "year"))
TIERS = [{"up_to": 5, "unit_amount": 700, "flat_amount": 1000}, {"up_to": None, "unit_amount": 500, "flat_amount": 200}]
FIXED: dict[str, dict[str, Any]] = {
    "price_unit": {"unit_amount": 2900, "recurring": MONTHLY, "currency_options": {"eur": {"unit_amount": 2700}}},
    "price_pack": {"unit_amount": 9900, "recurring": YEARLY, "transform_quantity": {"divide_by": 5, "round": "up"}},
    "price_volume": {"unit_amount": None, "recurring": MONTHLY, "tiers_mode": "volume", "tiers": TIERS},
    "price_graduated": {"unit_amount": None, "recurring": YEARLY, "tiers_mode": "graduated", "tiers": TIERS},
}
SHOWN_IN_LISTS = ("tiers", "currency_options")
COUPONS: dict[str, dict[str, Any]] = {
    "co_ever": {"percent_off": 10, "duration": "forever"},
    "co_amount": {"amount_off": 500, "currency": "usd", "duration": "forever"},
    "co_months": {"percent_off": 50, "duration": "repeating", "duration_in_months": 3},
    "co_once": {"amount_off": 300, "currency": "usd", "duration": "once"},
}
CURRENCY_OPTIONS = {"eur": {"amount_off": 400}}


def price(name: str, *, is_whole: bool) -> dict[str, Any]:
    """A price as a list shows it, or as events and items do."""
    own = {key: value for key, value in FIXED[name].items() if is_whole or key not in SHOWN_IN_LISTS}
    return {"object": "price", "id": name, "currency": "usd", "product": f"prod_{name}", **own}


prices = st.builds(
    lambda name, is_whole, active: price(name, is_whole=is_whole) | {"active": active, "created": epoch(START)},
    st.sampled_from([*FIXED]),
    st.booleans(),
    st.booleans(),
)
# What another coupon under an id that was given before takes off.
ANEW = {"co_ever": {"percent_off": 25}, "co_amount": {"amount_off": 700}}
coupons = st.builds(
    lambda name, times, anew, applies, options: (
        {"object": "coupon", "id": name, "times_redeemed": times, "created": epoch(START) + anew * 3, **COUPONS[name]}
        | (ANEW.get(name, {}) if anew else {})
        | ({"applies_to": {"products": ["prod_price_unit"]}} if applies and name == "co_ever" else {})
        | ({"currency_options": CURRENCY_OPTIONS} if options and name == "co_amount" else {})
    ),
    st.sampled_from([*COUPONS]),
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
# As in the oldest shapes, without an id.
BARE = {"object": "discount", "start": epoch(START), "coupon": {"id": "co_ever", **COUPONS["co_ever"]}}
# What a discount is on never changes; a customer's may change its coupon and its end.
OWNERS: dict[str, dict[str, Any]] = {
    "di_whole": {"customer": "cus_1", "subscription": "sub_1"},
    "di_item": {"customer": "cus_1", "subscription": "sub_1", "subscription_item": "si_1"},
    "di_customer": {"customer": "cus_1"},
}
discounts = st.builds(
    lambda name, coupon, days: {
        "object": "discount",
        "id": name,
        "start": epoch(START),
        "end": days and epoch(START) + days * DAY,
        "source": {"coupon": coupon},
        **OWNERS[name],
    },
    st.sampled_from([*OWNERS]),
    st.sampled_from([*COUPONS]) | coupons,
    st.sampled_from([None, 90]),
)
customers = st.builds(
    lambda discount, balance: {
        "object": "customer",
        "id": "cus_1",
        "created": SUBSCRIBED,
        "balance": balance,
        "discount": discount,
    },
    st.sampled_from([None, BARE])
    | discounts.map(lambda discount: {**discount, "id": "di_customer", "customer": "cus_1"}),
    st.sampled_from([0, -500]),
)
items = st.lists(
    st.builds(
        lambda name, sold, quantity, own: {
            "id": name,
            "quantity": quantity,
            "created": SUBSCRIBED,
            "price": price(sold, is_whole=False),
            "discounts": [own] if own and name == "si_1" else [],
        },
        st.sampled_from(["si_1", "si_2"]),
        st.sampled_from([*FIXED]),
        st.sampled_from([0, 1, 5, 7]),
        st.sampled_from([None, "di_item", BARE]),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda item: item["id"],
)
subscriptions = st.builds(
    lambda status, pause, currency, sold, discount, at_end: {
        "object": "subscription",
        "id": "sub_1",
        "customer": "cus_1",
        "created": SUBSCRIBED,
        "start_date": SUBSCRIBED,
        "status": status,
        "pause_collection": pause,
        "currency": currency,
        "items": {"data": sold, "has_more": False},
        "discounts": discount,
        "cancel_at_period_end": at_end,
        "ended_at": epoch(START) + DAY if status == "canceled" else None,
    },
    st.sampled_from(["active", "active", "active", "past_due", "trialing", "paused", "unpaid", "canceled"]),
    st.sampled_from([None, None, {"behavior": "void"}, {"behavior": "keep_as_draft", "resumes_at": epoch(START) + 9}]),
    st.sampled_from(["usd", "usd", "eur"]),
    items,
    st.sampled_from([[], ["di_whole"], [BARE]]),
    st.booleans(),
)

recurring = st.lists(
    versions([subscriptions], [prices, coupons], [discounts, customers]), min_size=4, max_size=14, unique_by=distinct
)
policies = st.fixed_dictionaries(
    {
        "subtract_repeating": st.sampled_from(["yes", "no"]),
        "subtract_once": st.sampled_from(["yes", "no"]),
        "paused_counts": st.sampled_from(["yes", "no"]),
        "churn_moment": st.sampled_from(["access_end", "cancel_request"]),
    }
)

"""Documents of subscriptions as Stripe tells them, for tests that need many or the same in several states."""

from datetime import datetime
from typing import Any

from tests.warehouse.raw_rows import Version, moment


def subscription(name: str, amount: int, currency: str, at: str, *, interval: str = "month", **changes: Any) -> Version:
    """An active subscription sub_<name> of cus_<name>, for `amount` minor units an interval, as its creation tells."""
    created = int(moment(at).timestamp())
    recurring = {"interval": interval, "interval_count": 1, "usage_type": "licensed"}
    price = {"id": f"price_{name}", "currency": currency, "unit_amount": amount, "recurring": recurring}
    body = {
        "object": "subscription",
        "id": f"sub_{name}",
        "customer": f"cus_{name}",
        "currency": currency,
        "status": "active",
        "created": created,
        "start_date": created,
        "items": {
            "data": [{"id": f"si_{name}", "created": created, "quantity": 1, "price": price}],
            "has_more": False,
        },
        **changes,
    }
    return Version(moment(at), "customer.subscription.created", body)


def changed(before: Version, at: str, **changes: Any) -> Version:
    """The same subscription later on."""
    return Version(moment(at), "customer.subscription.updated", {**before.body, **changes})


def ended(before: Version, at: str, **changes: Any) -> Version:
    """The end of it."""
    gone = {"status": "canceled", "canceled_at": epoch(at), "ended_at": epoch(at), **changes}
    return Version(moment(at), "customer.subscription.deleted", {**before.body, **gone})


def epoch(at: str) -> int:
    """Unix seconds of an ISO instant."""
    return int(moment(at).timestamp())


def subscribed(
    number: int, amount: int, interval: str, at: datetime, *, until: datetime | None = None, currency: str = "usd"
) -> list[Version]:
    """A subscription of a customer of its own, for `amount` cents an interval, and its end."""

    def body(**changes: Any) -> dict[str, Any]:
        recurring = {"interval": interval, "interval_count": 1, "usage_type": "licensed"}
        price = {
            "id": f"price_{amount}_{interval}",
            "currency": currency,
            "unit_amount": amount,
            "recurring": recurring,
        }
        item = {"id": f"si_{number}", "created": int(at.timestamp()), "quantity": 1, "price": price}
        return {
            "object": "subscription",
            "id": f"sub_{number}",
            "customer": f"cus_{number}",
            "currency": currency,
            "status": "active",
            "created": int(at.timestamp()),
            "items": {"data": [item], "has_more": False},
            **changes,
        }

    versions = [Version(at, "customer.subscription.created", body())]
    if until is not None:
        ended = int(until.timestamp())
        canceled = body(status="canceled", canceled_at=ended, ended_at=ended)
        versions.append(Version(until, "customer.subscription.deleted", canceled))
    return versions

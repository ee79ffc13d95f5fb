"""What Stripe is asked for each kind of thing in ops.enrichment: an object by its id, with all that is nested in it."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import quote

import orjson

from tallyhouse.client import StripeClient
from tallyhouse.json_rows import RawRow
from tallyhouse.objects import RETRIEVED
from tallyhouse.pages import ObjectRow, Page, Reject, RowReader, reject
from tallyhouse.transport import Fetched

BALANCE_TRANSACTION = "balance_transaction"


@dataclass(frozen=True)
class NestedList:
    """A list inside a document that Stripe cuts after some rows, and the endpoint that has all of them.

    `key` is its name in the document; `{id}` in `path` and `params` stands for the id of the document.
    `is_left_out`: documents never show any of it, and it is read always.
    """

    key: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    is_left_out: bool = False


@dataclass(frozen=True)
class Retrieval:
    """How one kind is fetched: the object of that name by id, or (`path`) a list that belongs to it.

    `nested`, where Stripe cut it, is read to its end and put into the object.
    """

    object_name: str | None = None
    nested: NestedList | None = None
    path: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)


RETRIEVALS: Mapping[str, Retrieval] = {
    **{
        name: Retrieval(name)
        for name in (
            BALANCE_TRANSACTION,
            "charge",
            "coupon",
            "customer",
            "invoice",
            "payment_method",
            "price",
            "product",
            "subscription",
        )
    },
    "invoice_lines": Retrieval(
        "invoice", NestedList("lines", "/v1/invoices/{id}/lines", {"expand[0]": "data.discounts"})
    ),
    "subscription_items": Retrieval(
        "subscription",
        NestedList("items", "/v1/subscription_items", {"subscription": "{id}", "expand[0]": "data.discounts"}),
    ),
    "subscription_discounts": Retrieval("subscription"),
    "price_tiers": Retrieval("price"),
    "price_currency_options": Retrieval("price"),
    "payout_transactions": Retrieval(
        "payout", NestedList("balance_transactions", "/v1/balance_transactions", {"payout": "{id}"}, is_left_out=True)
    ),
    "charge_refunds": Retrieval(path="/v1/refunds", params={"charge": "{id}"}),
    "customer_balance_transactions": Retrieval(path="/v1/customers/{id}/balance_transactions"),
}
"""Kind of ops.enrichment -> how it is fetched; what a new kind takes, include/sql/ops/enrichment_kind.sql says."""


def retrieve(
    client: StripeClient, kind: str, object_id: str, read_row: RowReader, *, stripe_account: str | None = None
) -> Page:
    """Fetches one thing as a page of rows ready to stage: one object, or the rows of a list.

    `stripe_account`: the connected account that it belongs to, if not the key's own. Raises
    ObjectMissingError when Stripe has no such object, and else as StripeClient.retrieve.
    """
    retrieval = RETRIEVALS[kind]
    if retrieval.object_name is None:
        assert retrieval.path is not None  # noqa: S101 - a kind without an object is a list
        return _read_list(client, retrieval.path, retrieval.params, object_id, read_row, stripe_account)
    fetched = fetch_object(client, retrieval.object_name, object_id, stripe_account=stripe_account)
    page = Page([], fetched.byte_count, fetched.observed_at, fetched.call_count, fetched.throttled_count)
    raw = fetched.value
    if raw.refusal is None and retrieval.nested is not None and _is_cut(raw, retrieval.nested):
        rest = _read_list(client, retrieval.nested.path, retrieval.nested.params, object_id, _keep, stripe_account)
        raw = _complete(raw, retrieval.nested, rest)
        # As of the first answer: what changed while the rest was read has a version of its own to come.
        page = Page(
            [],
            page.byte_count + rest.byte_count,
            page.observed_at,
            page.call_count + rest.call_count,
            page.throttled_count + rest.throttled_count,
        )
    row = raw.refusal or read_row(raw.value, raw.text)
    page.rows.append(reject(raw, row) if isinstance(row, str) else row)
    return page


def fetch_object(
    client: StripeClient, object_name: str, object_id: str, *, stripe_account: str | None = None
) -> Fetched[RawRow]:
    """One object by its id, with all that its list would show of it. Errors as of StripeClient.retrieve."""
    known = RETRIEVED[object_name]
    expanded = {f"expand[{number}]": path for number, path in enumerate(known.expand)}
    return client.retrieve(f"{known.parent_path}/{_in_path(object_id)}", expanded, stripe_account=stripe_account)


def _read_list(
    client: StripeClient,
    path: str,
    params: Mapping[str, str],
    object_id: str,
    read_row: RowReader,
    stripe_account: str | None,
) -> Page:
    """All pages of a list as one."""
    asked = {name: value.replace("{id}", object_id) for name, value in params.items()}
    with closing(
        client.pages(path.replace("{id}", _in_path(object_id)), asked, read_row, stripe_account=stripe_account)
    ) as pages:
        read = list(pages)
    return Page(
        [row for page in read for row in page.rows],
        sum(page.byte_count for page in read),
        read[0].observed_at,
        sum(page.call_count for page in read),
        sum(page.throttled_count for page in read),
    )


def _in_path(object_id: str) -> str:
    """An id as a part of a path: plans and coupons have ids of their owner's choice, slashes and blanks included."""
    return quote(object_id, safe="")


def _is_cut(raw: RawRow, nested: NestedList) -> bool:
    embedded = raw.value.get(nested.key)
    return nested.is_left_out or (isinstance(embedded, dict) and embedded.get("has_more") is True)


def _complete(raw: RawRow, nested: NestedList, rest: Page) -> RawRow:
    """The document with the whole list in the place of its first rows; a row that jsonb refuses refuses it all."""
    texts: dict[str, bytes] = {}
    for row in rest.rows:
        if isinstance(row, Reject):
            return RawRow(raw.text, raw.value, f"{nested.key}, {row.row_key}: {row.reason}")
        listed: ObjectRow = row  # type: ignore[assignment]  # _keep makes nothing else
        # an object that moved from one page to the next while they were read comes twice
        texts[listed[1]] = listed[3]
    shown = raw.value.get(nested.key, {"object": "list"})
    whole = {**shown, "data": [orjson.Fragment(text) for text in texts.values()], "has_more": False}
    text = orjson.dumps({**raw.value, nested.key: whole})
    return RawRow(text, orjson.loads(text), None)


def _keep(value: object, text: bytes) -> "ObjectRow | str":
    """Reads a nested row: all that matters is its id, and that its text stays as it is."""
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return "a nested object needs id, a string"
    return str(value.get("object")), value["id"], None, text

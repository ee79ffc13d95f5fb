"""Whom to erase: a customer, a guest or a user of the app, found in the warehouse and put on the list, or refused."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from tallyhouse.errors import TallyhouseError

GUESTS = ("charge", "checkout.session", "payment_intent", "setup_intent", "payment_method", "invoice")
"""Kinds of objects that may have no customer: of a guest, one of these stands for the person."""

# The raw layer, for a customer or payment that is known; and what names one of which no document ever came.
_OWNERS = """
select distinct known.account_id, known.livemode
from (
    select account_id, livemode from raw.event where object_type = any(%(kinds)s) and object_id = %(customer)s
    union all
    select account_id, livemode from raw.object where object_type = any(%(kinds)s) and object_id = %(customer)s
    union all
    select account_id, livemode from dwh.charge_fact where customer_id = %(customer)s
    union all
    select account_id, livemode from dwh.payment_intent_fact where customer_id = %(customer)s
    union all
    select account_id, livemode from dwh.payment_method_dim where customer_id = %(customer)s
    union all
    select account_id, livemode from dwh.invoice_fact where customer_id = %(customer)s
    union all
    select account_id, livemode from dwh.subscription_dim where customer_id = %(customer)s
) as known
where %(account)s::text is null or known.account_id = %(account)s
order by 1, 2
"""
_CUSTOMER_OF_GUEST = """
select ops.owner_of(version.body)
from unnest(%(guests)s::text[]) as guest (kind)
cross join lateral staging.versions_of_object(%(account)s, %(livemode)s, guest.kind, %(customer)s) as version
where ops.owner_of(version.body) is not null
limit 1
"""
# When it was created: nothing that was made before names it.
_SINCE = """
select min(least(ops.made_at(body -> 'created'), version_at))
from unnest(%(kinds)s::text[]) as root (kind)
cross join lateral staging.versions_of_object(%(account)s, %(livemode)s, root.kind, %(customer)s)
where ops.made_at(body -> 'created') is not null
"""
_USER = """
select
    exists (select from dwh.user_first_install_fact as f where f.user_id in (%(user)s, ops.user_hash(%(user)s)))
    or exists (
        select from raw.file_row as r
        where r.file_kind = 'install' and r.row_key[1] in (%(user)s, ops.user_hash(%(user)s))
    )
    or exists (select from raw.rejected as r where r.user_id = %(user)s),
    array(
        select u.customer_id
        from dwh.user_dim as u
        inner join ops.reported_mode as mode on u.livemode = mode.livemode
        where
            (
                u.user_id in (%(user)s, ops.user_hash(%(user)s))
                or (%(user)s like 'hmac:%%' and ops.user_hash(u.user_id) = %(user)s)
            )
            and not exists (
                select from ops.erased_object as o
                where (o.account_id, o.livemode, o.object_id) = (u.account_id, u.livemode, u.customer_id)
            )
        order by 1
    )
"""


@dataclass(frozen=True)
class Request:
    """Whom to erase, and why.

    `customer_id`: of a guest, the id of one of GUESTS; None for somebody of whom only `user_id` is known, the id of a
    user of the app, or its hash. `account_id` None: of whichever account has the customer, if only one has.
    """

    customer_id: str | None
    account_id: str | None
    reason: str
    reference: str | None
    requested_by: str | None
    run_id: str
    user_id: str | None = None


def find_owners(connection: psycopg.Connection, request: Request) -> list[tuple[str, bool]]:
    """The account, and the modes of it, that have the customer; a user of the app is of none.

    TallyhouseError when there is no such person, or several have the id, or it is a payment or user of a customer.
    """
    if request.customer_id is None:
        _require_user(connection, request)
        return []
    owners = connection.execute(
        _OWNERS,
        {"customer": request.customer_id, "account": request.account_id, "kinds": ["customer", *GUESTS]},
    ).fetchall()
    accounts = sorted({account_id for account_id, _ in owners})
    if not accounts:
        known = connection.execute("select distinct account_id from ops.batch where account_id is not null").fetchall()
        where = f"account {request.account_id}" if request.account_id else "any account"
        raise TallyhouseError(
            f"The warehouse has no customer {request.customer_id} of {where}, nor a guest's payment of that id, and "
            f"nothing was changed. Its accounts are "
            f"{', '.join(sorted(row[0] for row in known)) or 'none yet'}; a customer's id is in Stripe's dashboard, "
            "and begins with cus_."
        )
    if len(accounts) > 1:
        raise TallyhouseError(
            f"Several accounts have a customer {request.customer_id}: {', '.join(accounts)}. Name one of them in the "
            "form; nothing was changed."
        )
    for account_id, livemode in owners:
        row = connection.execute(
            _CUSTOMER_OF_GUEST,
            {"customer": request.customer_id, "account": account_id, "livemode": livemode, "guests": [*GUESTS]},
        ).fetchone()
        if row:
            raise TallyhouseError(
                f"{request.customer_id} is a payment of customer {row[0]}, and no guest's: erase that customer. "
                "Nothing was changed."
            )
    return owners


def put_on_list(connection: psycopg.Connection, request: Request, owners: Sequence[tuple[str, bool]]) -> list[int]:
    """Puts the customer on the list, in each account and mode; the ids of these erasures, none when done before."""
    if request.customer_id is None:
        listed = [_list_user(connection, request)]
    else:
        listed = [_list_one(connection, request, account_id, livemode) for account_id, livemode in owners]
    ids = [erasure_id for erasure_id in listed if erasure_id is not None]
    # when all are on the list: who is erased in one mode names nobody in the other
    for erasure_id in ids:
        connection.execute("select ops.remember_erased_users(p_erasure_id => %s)", [erasure_id])
    return ids


def _require_user(connection: psycopg.Connection, request: Request) -> None:
    """Raises TallyhouseError when files name no such user, or a customer does: the installs go with that one."""
    row = connection.execute(_USER, {"user": request.user_id}).fetchone()
    assert row is not None  # noqa: S101 - for the type checker: a select of values returns a row
    is_known, customers = row
    if customers:
        raise TallyhouseError(
            f"The user of the app is a customer: erase {', '.join(customers)}, with whom the installs go. Nothing was "
            "changed."
        )
    if not is_known:
        raise TallyhouseError(
            "No file of installs that was loaded names that user of the app, and nothing was changed. Look how your "
            "files write user_id."
        )


def _list_user(connection: psycopg.Connection, request: Request) -> int | None:
    """Puts a user who is no customer on the list; None when this run has done so before."""
    row = connection.execute(
        "insert into ops.erasure (user_hash, reason, reference, requested_by, run_id) "
        "values (ops.user_hash(%s), %s, %s, %s, %s) on conflict do nothing returning erasure_id, user_hash",
        [request.user_id, request.reason, request.reference, request.requested_by, request.run_id],
    ).fetchone()
    if row is None:
        return None
    connection.execute(
        "insert into ops.erased_user (erasure_id, user_hash) values (%s, %s) "
        "on conflict (user_hash) do update set erasure_id = excluded.erasure_id, is_pending = true",
        row,
    )
    return int(row[0])


def _list_one(connection: psycopg.Connection, request: Request, account_id: str, livemode: bool) -> int | None:
    """Puts the customer on the list; None when this run has done so before."""
    row = connection.execute(
        "insert into ops.erasure (account_id, livemode, customer_id, reason, reference, requested_by, run_id) "
        "values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing returning erasure_id",
        [
            account_id,
            livemode,
            request.customer_id,
            request.reason,
            request.reference,
            request.requested_by,
            request.run_id,
        ],
    ).fetchone()
    if row is None:
        return None
    root = {"account": account_id, "livemode": livemode, "customer": request.customer_id, "id": row[0]}
    # Of one that was erased before, everything is looked through once more, and counts for this erasure.
    connection.execute(
        "with before as (select erasure_id from ops.erased_object "
        "where account_id = %(account)s and livemode = %(livemode)s and object_id = %(customer)s) "
        "update ops.erased_object set erasure_id = %(id)s, batch_id = null where erasure_id in (select * from before)",
        root,
    )
    since = connection.execute(_SINCE, {**root, "kinds": ["customer", *GUESTS]}).fetchone()
    connection.execute(
        "insert into ops.erased_object (account_id, livemode, object_id, erasure_id, since) "
        "values (%(account)s, %(livemode)s, %(customer)s, %(id)s, %(since)s) on conflict do nothing",
        {**root, "since": since and since[0]},
    )
    return int(row[0])

"""Whom to erase: a customer, a guest or a user of the app, found in the warehouse and put on the list, or refused."""

from collections.abc import Sequence

import psycopg

from tallyhouse import erasure_record
from tallyhouse.erasure_record import Request
from tallyhouse.errors import TallyhouseError
from tallyhouse.rows import only_row, only_value

Owner = tuple[str | None, bool | None]
"""An account and mode that have a customer; a user of the app is of none."""

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
cross join lateral staging.staged_versions_of_object(%(account)s, %(livemode)s, guest.kind, %(customer)s) as version
where ops.owner_of(version.body) is not null
limit 1
"""
# When it was created: nothing that was made before names it.
_SINCE = """
select min(least(ops.made_at(body -> 'created'), version_at))
from unnest(%(kinds)s::text[]) as root (kind)
cross join lateral staging.staged_versions_of_object(%(account)s, %(livemode)s, root.kind, %(customer)s)
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


def find_owners(connection: psycopg.Connection, request: Request) -> list[Owner]:
    """The account, and the modes of it, that have the customer; a user of the app is of none.

    TallyhouseError when there is no such person, or several have the id, or it is a payment or user of a customer.
    """
    if request.customer_id is None:
        _require_user(connection, request)
        return [(None, None)]
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


def put_on_list(
    connection: psycopg.Connection, request: Request, owners: Sequence[Owner], approved_by: str | None
) -> list[int]:
    """Puts the person on the list, in each account and mode; the ids of these erasures, none when done before."""
    listed = (_list_one(connection, request, *owner, approved_by) for owner in owners)
    ids = [erasure_id for erasure_id in listed if erasure_id is not None]
    # when all are on the list: who is erased in one mode names nobody in the other
    for erasure_id in ids:
        connection.execute("select ops.remember_erased_users(p_erasure_id => %s)", [erasure_id])
    return ids


def _require_user(connection: psycopg.Connection, request: Request) -> None:
    """Raises TallyhouseError when files name no such user, or a customer does: the installs go with that one."""
    row = only_row(connection, _USER, {"user": request.user_id})
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


def _list_one(
    connection: psycopg.Connection,
    request: Request,
    account_id: str | None,
    livemode: bool | None,
    approved_by: str | None,
) -> int | None:
    """Puts the person on the list; None when this run has done so before."""
    erasure_id = erasure_record.approve(connection, request, account_id, livemode, approved_by)
    if erasure_id is None:
        return None
    if request.customer_id is None:
        connection.execute(
            "insert into ops.erased_user (erasure_id, user_hash) values (%s, ops.user_hash(%s)) "
            "on conflict (user_hash) do update set erasure_id = excluded.erasure_id, is_pending = true",
            [erasure_id, request.user_id],
        )
        return erasure_id
    root = {"account": account_id, "livemode": livemode, "customer": request.customer_id, "id": erasure_id}
    # Of one that was erased before, everything is looked through once more, and counts for this erasure.
    connection.execute(
        "with before as (select erasure_id from ops.erased_object "
        "where account_id = %(account)s and livemode = %(livemode)s and object_id = %(customer)s) "
        "update ops.erased_object set erasure_id = %(id)s, batch_id = null where erasure_id in (select * from before)",
        root,
    )
    since = only_value(connection, _SINCE, {**root, "kinds": ["customer", *GUESTS]})
    connection.execute(
        "insert into ops.erased_object (account_id, livemode, object_id, erasure_id, since) "
        "values (%(account)s, %(livemode)s, %(customer)s, %(id)s, %(since)s) on conflict do nothing",
        {**root, "since": since},
    )
    return erasure_id

"""A person of the simulated company is erased: every figure stays, nothing of the person does, and it lasts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from simulator.instance import simulator_thread
from tallyhouse import erasure, erasure_record
from tallyhouse.rebuild import rebuild
from tallyhouse.warehouse import apply_models
from tests.conftest import PostgresServer
from tests.end_to_end.conftest import SETTLED_FOUNDED, SETTLED_NOW
from tests.end_to_end.pipeline import SQL_ROOT, Pipeline
from tests.warehouse.traces import figures, rows_with

SEARCHED = ("raw", "dwh", "mart", "ops")
# somebody of whom there is as much as may be: of many payments, with a refund, a dispute, installs
OF_MUCH = """
select c.customer_id
from dwh.charge_fact as c
inner join dwh.user_dim as u using (account_id, livemode, customer_id)
inner join dwh.user_first_install_fact as i on u.user_id = i.user_id
left join dwh.refund_fact as r using (account_id, livemode, charge_id)
left join dwh.dispute_fact as d using (account_id, livemode, charge_id)
group by c.customer_id
order by
    count(r.refund_id) > 0 and count(d.dispute_id) > 0 desc, count(d.dispute_id) > 0 desc, count(r.refund_id) desc,
    count(*) desc, c.customer_id
limit 1
"""
# somebody who told all there is to tell: telephone, street, where parcels go; and of whom something is written
OF_WHOM_MUCH_IS_TOLD = """
select c.object_id
from raw.object as c
inner join dwh.charge_fact as paid using (account_id, livemode)
where
    c.object_type = 'customer'
    and paid.customer_id = c.object_id
    and c.payload ->> 'phone' is not null
    and c.payload ->> 'description' is not null
    and c.payload #>> '{address,line2}' is not null
    and c.payload #>> '{shipping,address,line1}' is not null
group by c.object_id
order by count(*) desc, c.object_id
limit 1
"""
# somebody whose card an event tells of, as no list does; and whose receipts go by e-mail
OF_A_CARD_AND_RECEIPTS = """
select pm.payload #>> '{data,object,customer}'
from raw.event as pm
where
    pm.object_type = 'payment_method'
    and pm.payload #>> '{data,object,billing_details,phone}' is not null
    and pm.payload #>> '{data,object,billing_details,address,line1}' is not null
    and exists (
        select from raw.object as c
        where
            c.object_type = 'charge'
            and c.payload ->> 'receipt_email' is not null
            and c.payload ->> 'customer' = pm.payload #>> '{data,object,customer}'
    )
order by 1
limit 1
"""
CHOSEN = (OF_MUCH, OF_WHOM_MUCH_IS_TOLD, OF_A_CARD_AND_RECEIPTS)
# What the documents of somebody tell, and where.
STRINGS = """
with document as (
    select object_type, payload as body from raw.object
    union all
    select object_type, payload #> '{data,object}' from raw.event
    union all
    select
        object_type,
        payload #> '{data,previous_attributes}' || jsonb_build_object(
            'object', object_type, 'id', object_id, 'customer', payload #>> '{data,object,customer}'
        )
    from raw.event
),

told as (
    select object_type || '.' || place.name as place, told #>> '{}' as word
    from document
    cross join unnest(%(places)s::text[], %(paths)s::jsonpath[]) as place (name, path)
    cross join lateral jsonb_path_query(body, place.path, silent => true) as told
    where %(id)s in (body ->> 'id', body ->> 'customer') and jsonb_typeof(told) = 'string'
)"""
# What tells nobody apart is left out: a word that documents of others have too; digits alone, which may stand in any
# id; names of people and cities, which may be those of somebody who comes later.
WORDS = f"""
{STRINGS},

others as materialized (
    select string_agg(body::text, ' ') as text from document where body ->> 'customer' <> %(id)s
)

select distinct word
from told
where
    length(word) > 3
    and word ~ '[0-9]'
    and word !~ '^[0-9]+$'
    and not exists (select from others where position(told.word in others.text) > 0)
"""
PLACES_LEFT = f"""
{STRINGS}
select distinct place from told
"""
_ADDRESS = '.keyvalue() ? (@.key != "country").value'
PLACES = {
    "name": "$.name",
    "email": "$.email",
    "phone": "$.phone",
    # of an invoice item it tells what was sold
    "description": '$ ? (@.object == "customer").description',
    "address": f"$.address{_ADDRESS}",
    "shipping.name": "$.shipping.name",
    "shipping.phone": "$.shipping.phone",
    "shipping.address": f"$.shipping.address{_ADDRESS}",
    "billing_details.name": "$.billing_details.name",
    "billing_details.email": "$.billing_details.email",
    "billing_details.phone": "$.billing_details.phone",
    "billing_details.address": f"$.billing_details.address{_ADDRESS}",
    "receipt_email": "$.receipt_email",
    "customer_name": "$.customer_name",
    "customer_email": "$.customer_email",
    "customer_phone": "$.customer_phone",
    "customer_address": f"$.customer_address{_ADDRESS}",
    "customer_shipping.name": "$.customer_shipping.name",
    "customer_shipping.phone": "$.customer_shipping.phone",
    "customer_shipping.address": f"$.customer_shipping.address{_ADDRESS}",
}
TOLD = {
    f"{kind}.{place}"
    for kind, beginnings in {
        "customer": ("name", "email", "phone", "description", "address", "shipping"),
        "payment_method": ("billing_details",),
        "charge": ("billing_details", "receipt_email"),
        "invoice": ("customer_",),
    }.items()
    for place in PLACES
    if place.startswith(beginnings)
}


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value


@dataclass(frozen=True)
class Person:
    """Somebody in a warehouse, and the words that tell who it is."""

    customer_id: str
    words: list[str]


def asked(customer_id: str) -> dict[str, Any]:
    """The parameters of WORDS and PLACES_LEFT."""
    return {"id": customer_id, "places": [*PLACES], "paths": [*PLACES.values()]}


def choose(connection: psycopg.Connection, query: str) -> Person:
    row = connection.execute(query).fetchone()
    assert row is not None
    (customer_id,) = row
    told = connection.execute(
        """
        select to_jsonb(p) from (
            select fingerprint from dwh.payment_method_dim where customer_id = %(id)s
        ) as p
        union all
        select to_jsonb(i) from (
            -- an address may be that of several
            select f.device_id
            from dwh.user_first_install_fact as f
            inner join dwh.user_dim as u using (user_id)
            where u.customer_id = %(id)s
        ) as i
        """,
        {"id": customer_id},
    ).fetchall()
    words = connection.execute(WORDS, asked(customer_id)).fetchall()
    connection.rollback()
    return Person(
        customer_id, sorted({word for (part,) in told for word in strings(part)} | {word for (word,) in words})
    )


def places(connection: psycopg.Connection, people: Sequence[Person]) -> set[str]:
    """Where the raw layer still tells anything of these people."""
    found = set()
    for person in people:
        rows = connection.execute(PLACES_LEFT, asked(person.customer_id)).fetchall()
        found |= {place for (place,) in rows}
    connection.rollback()
    return found


def request(person: Person, run_id: str = "erase_customer/1", **changed: Any) -> erasure_record.Request:
    form = {"account_id": None, "reason": "request", "reference": "T-1", "requested_by": "admin", **changed}
    return erasure_record.Request(customer_id=person.customer_id, run_id=run_id, **form)


@pytest.fixture
def company(settled: Pipeline, postgres: PostgresServer) -> Iterator[Pipeline]:
    """A warehouse of its own that has read, loaded and refreshed everything."""
    settled.load()
    pipeline = Pipeline(postgres.clone_database(settled.conninfo), settled.api_base)
    with psycopg.connect(pipeline.conninfo) as connection:
        connection.execute("analyze")  # which the server may not have come to: everything is read, through every view
    yield pipeline
    postgres.drop_database(pipeline.conninfo)


def found(
    connection: psycopg.Connection, people: Sequence[Person], schemas: Sequence[str] = SEARCHED
) -> dict[str, int]:
    """Rows that hold a word of any of these people, of every table and view that the connection may read."""
    return rows_with(connection, [word for person in people for word in person.words], schemas)


def test_people_are_erased_and_every_figure_stays(company: Pipeline) -> None:
    with psycopg.connect(company.conninfo) as connection:
        people = [choose(connection, query) for query in CHOSEN]
        person = people[0]
        assert min(len(each.words) for each in people) >= 4
        before, told = found(connection, [person]), figures(connection)
        assert {"raw.object", "raw.file_row", "dwh.customer_dim"} <= before.keys()
        # no mart shows anything personal, of anybody
        assert [name for name in found(connection, people) if name.startswith("mart.")] == []
        assert places(connection, people) >= TOLD

        counted = erasure.count(connection, request(person))
        assert found(connection, [person]) == before
        assert figures(connection) == told
        erased = erasure.erase(connection, request(person), "approver")
        assert dict(erased.rows) == dict(counted.rows)
        ids = list(erased.erasure_ids)
        for number, other in enumerate(people[1:], 2):
            ids += erasure.erase(connection, request(other, f"erase_customer/{number}")).erasure_ids
        assert [name for name in found(connection, people) if name.startswith("raw.")] == []
        assert places(connection, people) == set()
        erasure.follow(connection, SQL_ROOT, ids)
    company.load()
    with psycopg.connect(company.conninfo) as connection:
        assert found(connection, people, [*SEARCHED, "staging"]) == {}
        after = figures(connection)
        assert [name for name in told if told[name] != after[name]] == []
        addresses = connection.execute(
            "select i.ip_address, i.device_id like 'erased:%%' from dwh.user_first_install_fact as i "
            "inner join dwh.user_dim as u using (user_id) where u.customer_id = %s",
            [person.customer_id],
        ).fetchall()
        assert set(addresses) == {(None, True)}
        record = connection.execute(
            "select customer_id, reason, reference, requested_by, answered_by, row_counts, verified_at is not null "
            "from ops.erasure order by run_id limit 1"
        ).fetchall()
    held = {name: rows for name, rows in counted.rows.items() if rows}
    assert record == [(person.customer_id, "request", "T-1", "admin", "approver", held, True)]
    assert {"raw.event", "raw.object", "raw.file_row", "dwh.customer_dim"} <= held.keys()

    # the same company some weeks later goes on to tell of them, in events and in all of its lists
    later = (SETTLED_NOW + timedelta(days=25)).isoformat()
    with simulator_thread(now=later, founded=SETTLED_FOUNDED.isoformat(), customers=250, months=8) as url:
        again = Pipeline(company.conninfo, url)
        again.events()
        again.backfill(SETTLED_FOUNDED)
    with psycopg.connect(company.conninfo) as connection:
        assert found(connection, people) == {}
        assert places(connection, people) == set()
        apply_models(connection, SQL_ROOT)
        for each in people:
            listed = connection.execute(
                "select count(*) filter (where observed_at > %s), count(*) filter (where observed_at <= %s) "
                "from raw.object where object_id = %s",
                [SETTLED_NOW, SETTLED_NOW, each.customer_id],
            ).fetchone()
            assert listed == (1, 1)
        assert found(connection, people) == {}
        assert [change for change in rebuild(connection, SQL_ROOT) if change.added or change.removed] == []


def test_analysts_read_nothing_of_what_people_tell(company: Pipeline) -> None:
    with psycopg.connect(company.conninfo) as connection:
        people = [choose(connection, query) for query in CHOSEN]
        shown = {}
        for role in ("tallyhouse_analyst", "tallyhouse_pii"):
            connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
            connection.commit()
            shown[role] = found(connection, people, [*SEARCHED, "staging"])
    assert shown["tallyhouse_analyst"] == {}
    assert set(shown["tallyhouse_pii"]) == {
        "dwh.customer_dim",
        "dwh.payment_method_dim",
        "dwh.user_first_install_fact",
    }

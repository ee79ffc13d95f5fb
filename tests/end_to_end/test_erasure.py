"""A person of the simulated company is erased: every figure stays, nothing of the person does, and it lasts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest

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
CHOSEN = """
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

    def found(self, connection: psycopg.Connection, schemas: Sequence[str] = SEARCHED) -> dict[str, int]:
        """Rows that hold one of the words, of every table and view of these schemas that does."""
        return rows_with(connection, self.words, schemas)


def choose(connection: psycopg.Connection) -> Person:
    row = connection.execute(CHOSEN).fetchone()
    assert row is not None
    (customer_id,) = row
    told = connection.execute(
        """
        select to_jsonb(c) from (
            select name, email from dwh.customer_dim where customer_id = %(id)s
        ) as c
        union all
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
    connection.rollback()
    return Person(customer_id, sorted({word for (part,) in told for word in strings(part)}))


def request(person: Person, run_id: str = "erase_customer/1", **changed: Any) -> erasure_record.Request:
    form = {"account_id": None, "reason": "request", "reference": "T-1", "requested_by": "admin", **changed}
    return erasure_record.Request(customer_id=person.customer_id, run_id=run_id, **form)


@pytest.fixture
def company(settled: Pipeline, postgres: PostgresServer) -> Iterator[Pipeline]:
    """A warehouse of its own that has read, loaded and refreshed everything."""
    settled.load()
    pipeline = Pipeline(postgres.clone_database(settled.conninfo), settled.api_base)
    yield pipeline
    postgres.drop_database(pipeline.conninfo)


def test_a_person_is_erased_and_every_figure_stays(company: Pipeline) -> None:
    with psycopg.connect(company.conninfo) as connection:
        person = choose(connection)
        assert len(person.words) >= 4
        before, told = person.found(connection), figures(connection)
        assert {"raw.object", "raw.file_row", "dwh.customer_dim"} <= before.keys()
        # no mart shows anything personal, of anybody
        assert [name for name in before if name.startswith("mart.")] == []

        counted = erasure.count(connection, request(person))
        assert person.found(connection) == before
        assert figures(connection) == told
        erased = erasure.erase(connection, request(person))
        assert dict(erased.rows) == dict(counted.rows)
        assert [name for name in person.found(connection) if name.startswith("raw.")] == []
        erasure.follow(connection, SQL_ROOT, erased.erasure_ids)
    company.load()
    with psycopg.connect(company.conninfo) as connection:
        assert person.found(connection, [*SEARCHED, "staging"]) == {}
        after = figures(connection)
        assert [name for name in told if told[name] != after[name]] == []
        addresses = connection.execute(
            "select i.ip_address, i.device_id like 'erased:%%' from dwh.user_first_install_fact as i "
            "inner join dwh.user_dim as u using (user_id) where u.customer_id = %s",
            [person.customer_id],
        ).fetchall()
        assert set(addresses) == {(None, True)}
        record = connection.execute(
            "select customer_id, reason, reference, requested_by, row_counts, verified_at is not null from ops.erasure"
        ).fetchall()
    held = {name: rows for name, rows in counted.rows.items() if rows}
    assert record == [(person.customer_id, "request", "T-1", "admin", held, True)]
    assert {"raw.event", "raw.object", "raw.file_row", "dwh.customer_dim"} <= held.keys()

    # the same company some weeks later goes on to tell of the person, in events and in all of its lists
    later = (SETTLED_NOW + timedelta(days=25)).isoformat()
    with simulator_thread(now=later, founded=SETTLED_FOUNDED.isoformat(), customers=250, months=8) as url:
        again = Pipeline(company.conninfo, url)
        again.events()
        again.backfill(SETTLED_FOUNDED)
    with psycopg.connect(company.conninfo) as connection:
        assert person.found(connection) == {}
        apply_models(connection, SQL_ROOT)
        listed = connection.execute(
            "select count(*) filter (where observed_at > %s), count(*) filter (where observed_at <= %s) "
            "from raw.object where object_id = %s",
            [SETTLED_NOW, SETTLED_NOW, person.customer_id],
        ).fetchone()
        assert listed == (1, 1)
        assert person.found(connection) == {}
        assert [change for change in rebuild(connection, SQL_ROOT) if change.added or change.removed] == []

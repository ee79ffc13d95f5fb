"""What the page answers when there is nothing to show, or something is wrong; and what a browser is told."""

import csv
import io
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from simulator.server import serve_in_thread
from tallyhouse.revenue import reading
from tallyhouse.revenue.charts import CHARTS, Chart
from tallyhouse.revenue.status import LastRun
from tallyhouse.revenue.web import create_app
from tests.conftest import SQL_ROOT, PostgresServer

Serve = Callable[[str], httpx.Client]

REASONS = ("never_seen", "stale", "deleted", "unknown_shape", "later_than_lag", "unexplained")


class NoRuns:
    """An Airflow that has not run anything yet."""

    def last(self) -> list[LastRun]:
        return []

    def dags_of(self, run_ids: Collection[str]) -> dict[str, str]:
        return {}


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the app over a database to anybody; who gets in is tested with Airflow's own users."""
    with ExitStack() as stack:

        def start(conninfo: str) -> httpx.Client:
            app = create_app(lambda: closing(psycopg.connect(conninfo)), SQL_ROOT, lambda: None, NoRuns)
            url = stack.enter_context(serve_in_thread(app))
            return stack.enter_context(httpx.Client(base_url=url, timeout=60))

        yield start


@pytest.fixture
def client(serve: Serve, loaded: str) -> httpx.Client:
    """The app over the loaded warehouse."""
    return serve(loaded)


def said(client: httpx.Client, path: str = "/data") -> tuple[int, str, str]:
    """Status, what is wrong, and what to do."""
    answer = client.get(path)
    content = answer.json()
    return answer.status_code, content["error"], content["what_to_do"]


def test_a_warehouse_that_cannot_be_reached_is_named_with_what_to_look_at(serve: Serve) -> None:
    status, error, what_to_do = said(serve("host=127.0.0.1 port=1 dbname=warehouse"))
    assert status == 503
    assert error.startswith("The warehouse cannot be reached: ")
    assert "Airflow connection warehouse" in what_to_do


def test_a_database_that_has_not_been_migrated_is_told_what_to_run(
    serve: Serve, loaded: str, postgres: PostgresServer
) -> None:
    database = postgres.create_database()
    status, error, what_to_do = said(serve(database))
    postgres.drop_database(database)
    assert (status, error) == (
        503,
        'The warehouse has not been migrated: relation "mart.currency_span" does not exist.',
    )
    assert what_to_do.startswith("Run the DAG warehouse")


def test_a_warehouse_without_data_has_a_page_without_charts(serve: Serve, warehouse: str) -> None:
    document = serve(warehouse).get("/data").json()
    assert (document["filters"], document["charts"]) == (None, [])
    assert document["status"]["checks"]["others"] == []


def test_csv_of_a_warehouse_without_data_says_what_to_run(serve: Serve, warehouse: str) -> None:
    status, error, what_to_do = said(serve(warehouse), "/charts/mrr.csv")
    assert (status, error) == (503, "Nothing is loaded yet.")
    assert "stripe_backfill" in what_to_do


def test_a_login_that_may_not_become_the_analyst_is_told_what_to_grant(serve: Serve, loaded: str) -> None:
    with psycopg.connect(loaded, autocommit=True) as connection:
        connection.execute("create role tallyhouse_stranger login")
        try:
            status, error, what_to_do = said(serve(make_conninfo(loaded, user="tallyhouse_stranger")))
        finally:
            connection.execute("drop role tallyhouse_stranger")
    assert status == 503
    assert "tallyhouse_stranger" in error
    assert 'grant tallyhouse_analyst to "tallyhouse_stranger";' in what_to_do


def test_a_role_that_is_not_there_comes_with_the_migrations(
    serve: Serve, loaded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ANALYST", "tallyhouse_nobody")
    status, error, what_to_do = said(serve(loaded))
    assert (status, error) == (503, "The warehouse has no role tallyhouse_nobody, which the page reads as.")
    assert what_to_do.startswith("Run the DAG warehouse")


def test_a_chart_that_fails_says_so_and_leaves_the_others_be(serve: Serve, copy: str) -> None:
    with psycopg.connect(copy) as connection:
        connection.execute("revoke select on mart.acquisition_payback from tallyhouse_analyst")
    charts = {chart["name"]: chart for chart in serve(copy).get("/data").json()["charts"]}
    assert charts["payback"]["error"] == (
        "The role of the page may not read this: permission denied for materialized view acquisition_payback."
    )
    assert charts["payback"]["rows"] == []
    assert [name for name, chart in charts.items() if "error" in chart] == ["payback"]
    assert charts["mrr"]["rows"]


def test_a_view_that_was_never_filled_is_told_from_one_that_is_empty(serve: Serve, copy: str) -> None:
    with psycopg.connect(copy) as connection:
        connection.execute("refresh materialized view mart.revenue_daily with no data")
    (chart,) = [each for each in serve(copy).get("/data").json()["charts"] if each["name"] == "revenue"]
    assert chart["error"].startswith("A view has never been filled: ")
    assert chart["what_to_do"].startswith("Run the DAG marts")


def test_a_query_that_takes_too_long_is_given_up(serve: Serve, copy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_QUERY", 800)
    with psycopg.connect(copy) as holder:
        # which locks out its readers until it is committed
        holder.execute("refresh materialized view mart.trial_conversion_monthly")
        charts = {chart["name"]: chart for chart in serve(copy).get("/data").json()["charts"]}
    assert charts["trials"]["error"] == "The warehouse took too long to answer."
    assert charts["mrr"]["rows"]


@pytest.mark.parametrize("path", ["/data?currency=xyz", "/charts/mrr.csv?currency=xyz"])
def test_a_filter_that_cannot_be_is_the_callers_mistake(client: httpx.Client, path: str) -> None:
    status, error, _ = said(client, path)
    assert status == 400
    assert error.startswith("There is no currency 'xyz'; there is: ")


@pytest.mark.parametrize(
    "path", ["charts/none.csv", "assets/x/none.js", "assets/x/%2e%2e/web.py", "assets/x/page.html"]
)
def test_what_there_is_not_is_not_found(client: httpx.Client, path: str) -> None:
    assert client.get(f"/{path}").status_code == 404


def test_a_browser_is_told_to_load_nothing_from_elsewhere(client: httpx.Client) -> None:
    for path in ("/", "/data", "/assets/x/page.js"):
        policy = client.get(path).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
        assert "http" not in policy


def test_numbers_are_never_kept_by_a_browser_and_files_of_a_version_for_ever(client: httpx.Client) -> None:
    version = client.get("/").text.split("assets/")[1].split("/")[0]
    assert client.get("/data").headers["cache-control"] == "no-store"
    assert client.get("/charts/mrr.csv").headers["cache-control"] == "no-store"
    assert "immutable" in client.get(f"/assets/{version}/page.js").headers["cache-control"]
    assert client.get("/assets/older/page.js").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_csv_has_the_rows_of_the_page(client: httpx.Client, chart: Chart) -> None:
    document = client.get("/data?currency=usd").json()
    (shown,) = [each for each in document["charts"] if each["name"] == chart.name]
    answer = client.get(f"/charts/{chart.name}.csv?currency=usd")
    assert answer.headers["content-type"].startswith("text/csv")
    head, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    keys = [column["key"] for column in shown["columns"]]
    assert head[: len(keys)] == keys
    written = {None: "", True: "true", False: "false"}
    flags = {place for place, column in enumerate(shown["columns"]) if column["kind"] == "flag"}
    expected = [
        [written[value] if value is None or place in flags else str(value) for place, value in enumerate(row)]
        for row in shown["rows"]
    ]
    assert [line[: len(keys)] for line in lines] == expected
    assert lines


def test_a_chart_says_which_filters_it_does_not_follow(client: httpx.Client) -> None:
    options = client.get("/data?currency=usd").json()["options"]
    plan, account = options["plans"][0]["price_id"], options["accounts"][0]
    of_plan = client.get(f"/data?currency=usd&plan={plan}").json()["charts"]
    ignoring = {chart["name"] for chart in of_plan if "plan" in chart["ignores"]}
    assert ignoring == {chart.name for chart in CHARTS} - {"mrr", "subscribers", "renewals"}
    of_account = client.get(f"/data?account={account}").json()["charts"]
    assert [chart["name"] for chart in of_account if chart["ignores"]] == ["payback"]


def test_a_plan_of_another_currency_is_refused(client: httpx.Client) -> None:
    plan = client.get("/data?currency=usd").json()["options"]["plans"][0]["price_id"]
    assert client.get(f"/data?currency=jpy&plan={plan}").status_code == 400


def test_gaps_and_differences_are_told_of_the_account_that_is_asked_for(serve: Serve, copy: str) -> None:
    client = serve(copy)
    account, other = client.get("/data").json()["options"]["accounts"]
    with psycopg.connect(copy) as connection:
        connection.execute(
            """
            insert into ops.gap (account_id, livemode, stream, gap_from, gap_to, reason)
            values (%s, false, 'events', '2026-01-05 10:00+00', '2026-01-06 10:00+00', 'a test')
            """,
            [account],
        )
        connection.execute("update ops.reconciled_slice set account_id = %s", [account])
    of_one, of_other = (client.get(f"/data?account={each}").json()["status"] for each in (account, other))
    (gap,) = of_one["gaps"]
    assert (gap["account_id"], gap["days"], gap["is_relisted"]) == (account, 2, False)
    assert ("stripe_reconcile", "charge") in {(row["dag_id"], row["object_type"]) for row in of_one["reconciliation"]}
    assert (of_other["gaps"], of_other["reconciliation"]) == ([], [])


def test_differences_are_told_by_their_reasons(serve: Serve, copy: str) -> None:
    reasons = ["never_seen", "stale", "stale", *["later_than_lag"] * 3, "unexplained"]
    with psycopg.connect(copy) as connection:
        differ(connection, "charge", reasons)
        differ(connection, "invoice", ["later_than_lag"])
        # of an earlier comparison
        connection.execute(
            "insert into ops.reconciliation (reconciled_slice_id, account_id, livemode, object_type, object_id, "
            "reason, difference) values (-1, 'acct_0', false, 'charge', 'ch_0', 'deleted', '{}')"
        )
    rows = {row["object_type"]: row for row in serve(copy).get("/data").json()["status"]["reconciliation"]}
    counts = {kind: {name: rows[kind][name] for name in REASONS} for kind in ("charge", "invoice")}
    assert counts["charge"] == dict.fromkeys(REASONS, 0) | Counter(reasons)
    assert counts["invoice"] == dict.fromkeys(REASONS, 0) | {"later_than_lag": 1}


def differ(connection: psycopg.Connection, kind: str, reasons: list[str]) -> None:
    """Has the last comparison of a kind of object found differences."""
    connection.execute(
        """
        with newest as (
            select * from ops.reconciled_slice where object_type = %s
            order by compared_at desc, reconciled_slice_id desc limit 1
        ),

        counted as (
            update ops.reconciled_slice as s set difference_count = s.difference_count + cardinality(%s::text[])
            from newest where s.reconciled_slice_id = newest.reconciled_slice_id
        )

        insert into ops.reconciliation (
            reconciled_slice_id, account_id, livemode, object_type, object_id, reason, difference
        )
        select
            newest.reconciled_slice_id, newest.account_id, newest.livemode, newest.object_type, 'id_' || place, reason,
            '{}'
        from newest
        cross join unnest(%s::text[]) with ordinality as found (reason, place)
        """,
        [kind, reasons, reasons],
    )


def test_what_is_wrong_is_told_when_charts_have_used_up_the_time_of_the_page(
    serve: Serve, copy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what the charts leave of it bounds the queries after them
    monkeypatch.setattr(reading, "LONGEST_PAGE", 800)
    client = serve(copy)
    with psycopg.connect(copy) as holder:
        # for longer than that, the status has to wait
        holder.execute("lock table ops.check_result in access exclusive mode")
        ending = threading.Timer(1.5, holder.rollback)
        ending.start()
        answer = client.get("/data")
        ending.join()
    assert answer.status_code == 200
    assert answer.json()["status"]["checks"]["passed"] > 10


def test_a_check_that_its_layer_has_no_more_is_not_told_of(serve: Serve, copy: str) -> None:
    insert = """
        insert into ops.check_result (check_name, layer, run_id, status, failing_count, threshold, sample, checked_at)
        select 'of_an_older_release', 'mart', %s, 'failed', 1, 0, '[]', checked_at + %s
        from ops.check_result where layer = 'mart' order by checked_at desc limit 1
    """
    with psycopg.connect(copy) as connection:
        connection.execute(insert, ["asset_triggered__0", timedelta(hours=-1)])
    checks = serve(copy).get("/data").json()["status"]["checks"]
    assert "of_an_older_release" not in {row["check_name"] for row in checks["others"]}
    assert checks["passed"] > 10
    with psycopg.connect(copy) as connection:
        connection.execute(insert, ["asset_triggered__2", timedelta(hours=1)])
    (first, *_) = serve(copy).get("/data").json()["status"]["checks"]["others"]
    assert (first["check_name"], first["run_id"]) == ("of_an_older_release", "asset_triggered__2")


def test_of_a_check_that_a_run_made_twice_the_last_result_counts(serve: Serve, copy: str) -> None:
    client = serve(copy)
    before = client.get("/data").json()["status"]["checks"]
    insert = """
        insert into ops.check_result (check_name, layer, run_id, status, failing_count, threshold, sample)
        select 'activity_adds_up', 'mart', 'asset_triggered__1', %s, n, 0, (
            select coalesce(jsonb_agg(jsonb_build_object('month', '2026-01-01', 'row', i)), '[]')
            from generate_series(1, n) as i
        )
        from (values (%s::integer)) as found (n)
    """
    with psycopg.connect(copy) as connection:
        connection.execute(insert, ["failed", 7])
    first, *_ = client.get("/data").json()["status"]["checks"]["others"]
    assert (first["check_name"], first["status"], first["failing_count"]) == ("activity_adds_up", "failed", 7)
    assert first["first_rows"] == [{"month": "2026-01-01", "row": row} for row in range(1, 6)]
    assert (first["run_id"], first["dag_id"]) == ("asset_triggered__1", None)
    with psycopg.connect(copy) as connection:
        connection.execute(insert, ["passed", 0])
    after = client.get("/data").json()["status"]["checks"]
    assert (after["others"], after["passed"]) == (before["others"], before["passed"])

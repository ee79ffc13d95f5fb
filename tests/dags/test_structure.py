"""The DAGs as Airflow parses them: what there is, when it runs, in which order, and what makes a run red."""

import ast
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tallyhouse.objects import MODELS
from tallyhouse.revenue.status import LATE_AFTER_HOURS
from tests.conftest import ROOT, SQL_ROOT

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG

DAG_IDS = (
    "acquisition",
    "erase_customer",
    "export_marts",
    "marts",
    "stripe_backfill",
    "stripe_enrichment",
    "stripe_events",
    "stripe_reconcile",
    "warehouse",
    "warehouse_rebuild",
)
OTHER_TASKS = {"migrate_schema", "find_pending", "report_rejects", "close_gaps", "check", "publish_loaded"}
MATERIALIZED = {
    path.stem for path in (SQL_ROOT / "marts").glob("*.sql") if "create materialized view" in path.read_text()
}


@pytest.fixture(params=DAG_IDS)
def dag(request: pytest.FixtureRequest, dag_bag: "DagBag") -> "DAG":
    return dag_bag.dags[request.param]


def schedule_of(dag: "DAG") -> list[str]:
    """Names of the assets that trigger a DAG."""
    from airflow.sdk import AssetAny

    assets = list(dag.schedule.objects) if isinstance(dag.schedule, AssetAny) else dag.schedule
    return [asset.name for asset in assets] if isinstance(assets, list) else []


def publishers(dag: "DAG") -> dict[str, list[str]]:
    """Task id -> names of the assets that it publishes."""
    return {task.task_id: [asset.name for asset in task.outlets] for task in dag.tasks if task.outlets}


def upstream_of(dag: "DAG", task_id: str) -> set[str]:
    """Every task that ends before this one begins."""
    return {task.task_id for task in dag.get_task(task_id).get_flat_relatives(upstream=True)}


def test_the_dags_are_exactly_these(dag_bag: "DagBag") -> None:
    assert dag_bag.import_errors == {}
    assert tuple(sorted(dag_bag.dags)) == DAG_IDS


WORDS = {1: "an hour", 2: "two hours", 4: "four hours", 6: "six hours", 12: "twelve hours", 24: "a day"}


def test_a_dag_says_what_it_does_when_it_is_late_and_what_to_do_when_it_is_red(dag: "DAG") -> None:
    assert dag.doc_md is not None
    headings = ["###", "**What** ", "**When** ", "**When it is late** ", "**When it is red** "]
    places = [dag.doc_md.replace("\n", " ").find(heading) for heading in headings]
    assert -1 not in places
    assert places == sorted(places)
    assert "tallyhouse" in dag.tags
    assert len(dag.tags) == 2


def test_every_task_retries_under_the_policy(dag: "DAG") -> None:
    from tallyhouse.tasks import common

    assert dag.default_args == common.DEFAULT_ARGS
    for task in dag.tasks:
        assert task.retries == 3, task.task_id
        assert task.retry_delay == timedelta(minutes=1), task.task_id
        arguments = task.partial_kwargs if task.is_mapped else task.__dict__
        assert arguments["retry_policy"] is common.DEFAULT_ARGS["retry_policy"], task.task_id


def test_a_run_is_late_when_its_page_says_so(dag: "DAG") -> None:
    from airflow.sdk import AsyncCallback

    from tallyhouse.tasks.deadlines import FirstQueued

    (alert,) = dag.deadline
    assert alert.reference == FirstQueued()
    assert isinstance(alert.callback, AsyncCallback)
    hours = alert.interval.total_seconds() / 3600
    assert f"**When it is late** After {WORDS[int(hours)]}" in str(dag.doc_md)


def test_the_data_are_late_where_the_page_says_so(dag_bag: "DagBag") -> None:
    text = str(dag_bag.dags["stripe_events"].doc_md).replace("\n", " ")
    assert f"when the data is more than {WORDS[LATE_AFTER_HOURS]} behind" in text


def test_a_form_explains_each_of_its_fields(dag: "DAG") -> None:
    for name in dag.params:
        param = dag.params.get_param(name)
        title, description = str(param.schema.get("title") or ""), str(param.description or "")
        assert title, name
        assert title[0].isupper(), name
        assert len(description) > 15, name
        assert description.endswith("."), name


def test_one_run_at_a_time(dag: "DAG") -> None:
    assert dag.max_active_runs == 1
    assert dag.catchup is False


def test_stripe_events_runs_each_hour_for_the_hour_before(dag_bag: "DagBag") -> None:
    import pendulum
    from airflow.sdk import CronDataIntervalTimetable
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction

    timetable = dag_bag.dags["stripe_events"].timetable
    assert isinstance(timetable, CronDataIntervalTimetable)
    core = coerce_to_core_timetable(timetable)
    half_past = pendulum.datetime(2026, 6, 1, 10, 30)
    interval = core.infer_manual_data_interval(run_after=half_past)
    assert (interval.start, interval.end) == (half_past.subtract(minutes=90), half_past.subtract(minutes=30))
    following = core.next_dagrun_info(
        last_automated_data_interval=interval, restriction=TimeRestriction(None, None, catchup=True)
    )
    assert following is not None
    assert following.run_after == half_past.add(minutes=30)
    assert following.data_interval.end - following.data_interval.start == timedelta(hours=1)


def test_only_what_runs_by_the_clock_waits_for_a_person_to_start_it(dag_bag: "DagBag") -> None:
    paused = {dag_id: dag.is_paused_upon_creation for dag_id, dag in dag_bag.dags.items()}
    assert {dag_id for dag_id, is_paused in paused.items() if is_paused} == {
        "acquisition",
        "export_marts",
        "stripe_events",
        "stripe_reconcile",
    }


def test_assets_lead_from_stripe_to_the_warehouse_to_the_marts(dag_bag: "DagBag") -> None:
    assert {dag_id: (publishers(dag), schedule_of(dag)) for dag_id, dag in dag_bag.dags.items()} == {
        "stripe_events": ({"publish_staged": ["stripe_staged"], "watch_gaps": ["stripe_gap_found_by_run"]}, []),
        "stripe_backfill": ({"publish_staged": ["stripe_staged"]}, ["stripe_gap_found"]),
        "stripe_enrichment": ({"publish_staged": ["stripe_staged"]}, ["warehouse_loaded"]),
        "stripe_reconcile": ({"publish_staged": ["stripe_staged"]}, []),
        "acquisition": ({"publish_staged": ["files_staged"]}, []),
        "warehouse": ({"publish_loaded": ["warehouse_loaded"]}, ["stripe_staged", "files_staged"]),
        "warehouse_rebuild": ({"publish_loaded": ["warehouse_loaded"]}, []),
        "erase_customer": ({"publish_loaded": ["warehouse_loaded"]}, []),
        "marts": ({}, ["warehouse_loaded"]),
        "export_marts": ({}, []),
    }


def test_the_task_that_publishes_is_not_mapped_and_so_publishes_once(dag: "DAG") -> None:
    assert [task_id for task_id in publishers(dag) if dag.get_task(task_id).is_mapped] == []


def test_the_schema_is_migrated_before_all_else(dag: "DAG") -> None:
    assert [task.task_id for task in dag.roots] == ["migrate_schema"]
    for task in dag.tasks:
        assert task.task_id == "migrate_schema" or "migrate_schema" in upstream_of(dag, task.task_id)


def test_warehouse_has_a_task_for_each_model_of_the_registry(dag_bag: "DagBag") -> None:
    names = {model.name for model in MODELS}
    assert set(dag_bag.dags["warehouse"].task_ids) == names | OTHER_TASKS
    folders = ("dims", "facts", "records")
    files = {path.stem for folder in folders for path in (SQL_ROOT / folder).glob("*.sql")}
    assert names == files


def test_a_model_runs_after_the_models_that_it_reads(dag_bag: "DagBag") -> None:
    warehouse = dag_bag.dags["warehouse"]
    for model in MODELS:
        assert {*model.upstream, "migrate_schema"} <= upstream_of(warehouse, model.name), model.name


def test_checks_run_after_every_model_and_publishing_after_the_checks(dag_bag: "DagBag") -> None:
    warehouse = dag_bag.dags["warehouse"]
    assert {model.name for model in MODELS} <= upstream_of(warehouse, "check")
    assert "check" in upstream_of(warehouse, "publish_loaded")
    assert upstream_of(dag_bag.dags["marts"], "check") >= MATERIALIZED


def test_no_mart_is_refreshed_before_the_tables_were_checked(dag_bag: "DagBag") -> None:
    for name in MATERIALIZED:
        assert {"check_tables", "migrate_schema"} <= upstream_of(dag_bag.dags["marts"], name)


def test_marts_has_a_task_for_each_materialized_view(dag_bag: "DagBag") -> None:
    beside = {"migrate_schema", "find_loaded", "check_tables", "check"}
    assert set(dag_bag.dags["marts"].task_ids) == MATERIALIZED | beside


def test_a_mart_is_refreshed_after_those_that_it_reads(dag_bag: "DagBag", warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        reads = connection.execute(
            """
            with recursive reads as (
                select distinct reader.oid as reader, depend.refobjid as read
                from pg_class as reader
                inner join pg_rewrite as rule on reader.oid = rule.ev_class
                inner join pg_depend as depend on rule.oid = depend.objid and depend.classid = 'pg_rewrite'::regclass
                where depend.refclassid = 'pg_class'::regclass and depend.refobjid <> reader.oid
            ),
            chain as (
                select reader, read from reads
                union
                select chain.reader, reads.read from chain inner join reads on chain.read = reads.reader
            )
            select reader.relname, read.relname
            from chain
            inner join pg_class as reader on chain.reader = reader.oid and reader.relkind = 'm'
            inner join pg_class as read on chain.read = read.oid and read.relkind = 'm'
            """
        ).fetchall()
    assert len(reads) > 2
    for reader, read in reads:
        assert read in upstream_of(dag_bag.dags["marts"], reader), (reader, read)


def leads_to_red(task: Any) -> bool:
    """Whether its failure reaches an end of the DAG, along tasks that run on success alone."""
    return not task.downstream_list or any(
        after.trigger_rule in ("all_success", "none_failed") and leads_to_red(after) for after in task.downstream_list
    )


def test_the_failure_of_any_task_makes_the_run_red(dag: "DAG") -> None:
    assert [task.task_id for task in dag.tasks if not leads_to_red(task)] == []


def test_a_failure_holds_back_nothing_that_does_not_need_it(dag_bag: "DagBag") -> None:
    rules = {
        (dag_id, task.task_id): task.trigger_rule.value
        for dag_id, dag in dag_bag.dags.items()
        for task in dag.tasks
        if task.trigger_rule != "all_success"
    }
    assert rules == {
        # Each account for itself: what one could not plan is no matter to the others.
        ("stripe_events", "stage_events"): "all_done_min_one_success",
        ("stripe_backfill", "by_turns"): "all_done",
        ("stripe_backfill", "stage_unlisted"): "all_done",
        ("stripe_reconcile", "by_turns"): "all_done",
        # What is in is published, whatever is not.
        ("stripe_events", "publish_staged"): "all_done",
        ("stripe_backfill", "publish_staged"): "all_done",
        ("stripe_enrichment", "publish_staged"): "all_done",
        ("stripe_reconcile", "publish_staged"): "all_done",
        ("acquisition", "publish_staged"): "all_done",
        # What was not read is what it records.
        ("stripe_events", "watch_gaps"): "all_done",
        # Kinds may be refused so that nothing is left to list.
        ("stripe_backfill", "report_refused"): "none_failed",
        ("stripe_reconcile", "report_refused"): "none_failed",
        ("warehouse_rebuild", "publish_loaded"): "none_failed",
    }


def test_few_tasks_list_at_once_and_no_pool_is_needed(dag_bag: "DagBag") -> None:
    arguments = dag_bag.dags["stripe_backfill"].get_task("stage_lists").partial_kwargs
    assert arguments["max_active_tis_per_dagrun"] == 3
    assert {task.pool for dag in dag_bag.dags.values() for task in dag.tasks} == {"default_pool"}


class Long(str):
    """A text of which every part is as long: what a template may find in a task's arguments at worst."""

    def __getitem__(self, key: Any) -> str:
        return self if isinstance(key, str) else super().__getitem__(key)


@pytest.mark.parametrize("said", [{}, {"label": "x" * 1000}], ids=["at the start", "set by the task"])
def test_every_mapped_task_has_a_label_no_longer_than_airflow_keeps(dag: "DAG", said: dict[str, str]) -> None:
    from airflow.models.taskinstance import TaskInstance

    room = TaskInstance.__table__.c.rendered_map_index.type.length
    for task in dag.tasks:
        if task.is_mapped:
            arguments = SimpleNamespace(op_kwargs=Long("y" * 1000))
            label = (
                dag.get_template_env()
                .from_string(task.partial_kwargs["map_index_template"])
                .render(task=arguments, **said)
            )
            assert label == ("x" if said else "y") * (room - 3) + "...", task.task_id


def test_a_dag_file_is_a_table_of_contents(dag_files: list[Path]) -> None:
    logic = (ast.If, ast.While, ast.Try, ast.ClassDef, ast.Lambda, ast.Raise)
    sql = re.compile(r"\b(select|insert|update|delete|refresh|truncate|create)\b.*\b(from|into|set|view|table)\b", re.I)
    assert {file.stem for file in dag_files} == set(DAG_IDS)
    for file in dag_files:
        text = file.read_text()
        assert len(text.splitlines()) < 80, file.name
        tree = ast.parse(text)
        assert [type(node).__name__ for node in ast.walk(tree) if isinstance(node, logic)] == [], file.name
        assert len([node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]) == 1, file.name
        docstring = ast.get_docstring(tree, clean=False)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != docstring:
                assert not sql.search(node.value), (file.name, node.value)
            if isinstance(node, ast.ImportFrom):
                assert node.module in {"datetime", "airflow.sdk"} or str(node.module).startswith("tallyhouse")


@pytest.fixture
def own_modules() -> Iterator[None]:
    """Puts sys.modules back as it was: the plugin loader writes into it."""
    before = dict(sys.modules)
    yield
    sys.modules.clear()
    sys.modules.update(before)


def load_plugins(folder: Path) -> None:
    """Loads the plugins of a folder as an Airflow process does when it starts."""
    from airflow import plugins_manager

    plugins_manager._load_plugins_from_plugin_directory(
        plugins_folder=str(folder), load_examples=False, ignore_file_syntax="glob"
    )


@pytest.mark.usefixtures("airflow_environment", "own_modules")
def test_the_plugin_loader_leaves_the_library_alone() -> None:
    load_plugins(ROOT / "plugins")
    library = {path.stem for path in (ROOT / "plugins" / "tallyhouse").glob("*.py")} - {"__init__"}
    loaded = {name for name in library if str(ROOT) in str(getattr(sys.modules.get(name), "__file__", ""))}
    assert loaded == set()
    import stripe

    assert stripe.StripeClient.__module__.startswith("stripe.")


@pytest.mark.usefixtures("airflow_environment", "own_modules")
def test_a_process_that_serves_nothing_loads_the_plugin_and_none_of_the_page() -> None:
    from airflow import plugins_manager

    for name in [name for name in sys.modules if name.startswith("tallyhouse.revenue")]:
        del sys.modules[name]  # which other tests have imported
    plugins, errors = plugins_manager._load_plugins_from_plugin_directory(
        plugins_folder=str(ROOT / "plugins"), load_examples=False, ignore_file_syntax="glob"
    )
    assert ([plugin.name for plugin in plugins], errors) == (["deadlines", "revenue_page"], {})
    assert [name for name in sys.modules if name.startswith("tallyhouse.revenue")] == []


@pytest.mark.parametrize("is_ignored", [True, False], ids=["as it is", "without .airflowignore"])
@pytest.mark.usefixtures("airflow_environment", "own_modules")
def test_only_airflowignore_keeps_a_module_of_the_library_from_replacing_a_package(
    is_ignored: bool, tmp_path: Path
) -> None:
    (tmp_path / "tallyhouse").mkdir()
    (tmp_path / "tallyhouse" / "stripe.py").write_text("IS_OURS = True\n")
    if is_ignored:
        (tmp_path / ".airflowignore").write_text((ROOT / "plugins" / ".airflowignore").read_text())
    load_plugins(tmp_path)
    import stripe

    assert hasattr(stripe, "IS_OURS") is not is_ignored

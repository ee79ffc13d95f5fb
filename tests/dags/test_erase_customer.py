"""The DAG erase_customer: it counts, and asks; when somebody approves, the person is gone."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tallyhouse.errors import TallyhouseError
from tests.dags.answers import Answerer
from tests.dags.runs import Dags, contents

RECORD = """
select customer_id, reason, reference, requested_by, run_id, answered_by, erased_at is not null and rejected_at is null
from ops.erasure
"""
SOMEBODY = "select customer_id from dwh.charge_fact group by 1 order by count(*) desc, 1 limit 1"


@pytest.fixture
def customer_id(loaded_dags: Dags) -> str:
    ((found,),) = loaded_dags.rows(SOMEBODY)
    return str(found)


def names(dags: Dags, customer_id: str) -> set[str | None]:
    query = f"select name from dwh.customer_dim where customer_id = '{customer_id}'"
    return {name for (name,) in dags.rows(query)}


def figures(dags: Dags) -> dict[str, list[Any]]:
    """All that the marts say, but for the client of an install: what people call their device goes."""
    told = {name: rows for name, rows in contents(dags.warehouse).items() if name.startswith("mart.")}
    for (row,) in told["mart.user_acquisition"]:
        del row["client_sk"]
    told["mart.user_acquisition"].sort(key=str)
    return told


@contextmanager
def sweeping() -> Iterator[None]:
    """The scheduler's own look for answers that did not come in time, again and again."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

    runner, ended = SchedulerJobRunner(Job()), threading.Event()

    def sweep() -> None:
        while not ended.wait(0.1):
            runner.check_awaiting_input_timeouts()

    thread = threading.Thread(target=sweep)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_nothing_is_erased_until_somebody_saw_what_it_would_be_and_a_rejection_is_recorded(
    loaded_dags: Dags, customer_id: str, answerer: Answerer
) -> None:
    before = contents(loaded_dags.warehouse)
    ((name,),) = loaded_dags.rows(f"select name from dwh.customer_dim where customer_id = '{customer_id}' limit 1")
    with answerer.choosing("erase_customer", "Reject") as asked:
        run = loaded_dags.run("erase_customer", customer_id=f" {customer_id}", reference="T-16")
    assert run.state == "success"
    assert run.not_successful == {name: ["skipped"] for name in ("erase_raw", "follow", "publish_loaded")}
    assert contents(loaded_dags.warehouse) == before
    assert loaded_dags.rows(RECORD) == [
        (customer_id, "request", "T-16", "dag_test", f"erase_customer/{run.run_id}", answerer.user, False)
    ]
    assert loaded_dags.rows("select count(*) from ops.erased_object") == [(0,)]
    # what was shown: whom, where, how much; no form but the choice, and nothing personal
    question = asked.question
    assert question["subject"] == f"Erase {customer_id} for good?"
    assert (question["options"], question["params"]) == (["Approve", "Reject"], {})
    ((account,),) = loaded_dags.rows("select distinct account_id from dwh.charge_fact")
    assert f"**{customer_id}** of account {account} (test data). Asked for by dag_test" in question["body"]
    assert re.search(r"^\d+ documents of Stripe's", question["body"], re.MULTILINE)
    assert "| dwh.customer_dim | " in question["body"]
    assert name not in question["body"]


def test_who_does_not_answer_in_time_has_erased_nothing(
    loaded_dags: Dags, customer_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tallyhouse.tasks import approving

    monkeypatch.setattr(approving, "HOURS", 0.0001)
    with sweeping():
        run = loaded_dags.run("erase_customer", customer_id=customer_id)
    assert (run.state, run.tries["approve"]) == ("failed", [1])
    assert type(run.errors["approve"]) is TallyhouseError
    assert "Nobody has approved or rejected the erasure within 0.0001 hours: nothing was erased" in str(
        run.errors["approve"]
    )
    assert run.state_of("erase_raw") == "upstream_failed"
    assert names(loaded_dags, customer_id) != {None}
    assert loaded_dags.rows("select * from ops.erasure") == []


@pytest.mark.usefixtures("airflow_environment")
def test_a_task_that_was_marked_as_done_is_no_approval() -> None:
    from tallyhouse.tasks import approving

    with pytest.raises(TallyhouseError, match="Nobody has approved"):
        approving.is_approved(None)


def test_a_customer_that_nobody_knows_is_refused_at_once(loaded_dags: Dags) -> None:
    run = loaded_dags.run("erase_customer", customer_id="cus_9")
    assert (run.state, run.tries["count_rows"]) == ("failed", [1])
    assert "no customer cus_9" in str(run.errors["count_rows"])


def test_who_is_erased_leaves_figures_and_a_record_of_who_asked_and_who_approved(
    loaded_dags: Dags, customer_id: str, answerer: Answerer
) -> None:
    marts = figures(loaded_dags)
    with answerer.choosing("erase_customer", "Approve"):
        run = loaded_dags.run("erase_customer", customer_id=customer_id, reason="retention", reference="T-17")
    assert (run.state, run.not_successful) == ("success", {})
    assert loaded_dags.published(run) == ["warehouse_loaded"]
    assert names(loaded_dags, customer_id) == {None}
    assert loaded_dags.run("marts").state == "success"
    assert figures(loaded_dags) == marts
    asked = (customer_id, "retention", "T-17", "dag_test", f"erase_customer/{run.run_id}")
    assert loaded_dags.rows(RECORD) == [(*asked, answerer.user, True)]

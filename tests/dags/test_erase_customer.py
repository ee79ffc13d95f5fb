"""The DAG erase_customer: it only counts until it is told twice, and says so; then the person is gone."""

from typing import Any

import pytest

from tallyhouse.errors import TallyhouseError
from tests.dags.runs import Dags, contents

SOMEBODY = "select customer_id from dwh.charge_fact group by 1 order by count(*) desc, 1 limit 1"


@pytest.fixture
def customer_id(loaded_dags: Dags) -> str:
    ((found,),) = loaded_dags.rows(SOMEBODY)
    return str(found)


def names(dags: Dags, customer_id: str) -> set[str | None]:
    query = f"select name from dwh.customer_dim where customer_id = '{customer_id}'"
    return {name for (name,) in dags.rows(query)}


def figures(dags: Dags) -> dict[str, list[Any]]:
    """All that the marts say, but for users, of whom a hash stays, and the client of an install, whose device goes."""
    told = {name: rows for name, rows in contents(dags.warehouse).items() if name.startswith("mart.")}
    for name in ("user_acquisition", "install_duplicate_daily"):
        for (row,) in told[f"mart.{name}"]:
            row.pop("client_sk", None)
            del row["user_id"]
        told[f"mart.{name}"].sort(key=str)
    return told


def test_a_dry_run_counts_and_changes_nothing(
    loaded_dags: Dags, customer_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = contents(loaded_dags.warehouse)
    with caplog.at_level("INFO"):
        run = loaded_dags.run("erase_customer", customer_id=customer_id)
    assert run.state == "success"
    assert run.not_successful == {name: ["skipped"] for name in ("erase_raw", "follow", "publish_loaded")}
    assert "dwh.customer_dim 1" in caplog.text
    assert contents(loaded_dags.warehouse) == before
    assert loaded_dags.rows("select * from ops.erasure") == []


def test_two_different_ids_are_refused_at_once(loaded_dags: Dags, customer_id: str) -> None:
    run = loaded_dags.run("erase_customer", customer_id=customer_id, customer_id_again="cus_1", is_dry_run=False)
    assert run.state == "failed"
    # before anything is counted, which takes its time
    assert type(run.errors["count_rows"]) is TallyhouseError
    assert "two different customers" in str(run.errors["count_rows"])
    assert run.tries["count_rows"] == [1]
    assert names(loaded_dags, customer_id) != {None}


def test_a_customer_that_nobody_knows_is_refused_at_once(loaded_dags: Dags) -> None:
    run = loaded_dags.run("erase_customer", customer_id="cus_9")
    assert (run.state, run.tries["count_rows"]) == ("failed", [1])
    assert "no customer cus_9" in str(run.errors["count_rows"])


def test_who_is_erased_leaves_figures_and_a_record_of_who_asked(loaded_dags: Dags, customer_id: str) -> None:
    marts = figures(loaded_dags)
    run = loaded_dags.run(
        "erase_customer",
        customer_id=customer_id,
        customer_id_again=f" {customer_id}",
        is_dry_run=False,
        reason="retention",
        reference="T-17",
    )
    assert (run.state, run.not_successful) == ("success", {})
    assert loaded_dags.published(run) == ["warehouse_loaded"]
    assert names(loaded_dags, customer_id) == {None}
    assert loaded_dags.run("marts").state == "success"
    assert figures(loaded_dags) == marts
    record = loaded_dags.rows("select customer_id, reason, reference, requested_by, run_id from ops.erasure")
    assert record == [(customer_id, "retention", "T-17", "dag_test", f"erase_customer/{run.run_id}")]

"""Who gets in, through Airflow's own users and rights."""

import httpx
import pytest

from tests.revenue_page.conftest import Serving

PATHS = ("", "icon.svg", "assets/x/page.js", "data", "charts/mrr.csv")


@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_anything_without_logging_in(site: Serving, path: str) -> None:
    assert httpx.get(f"{site.url}/revenue/{path}").status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_a_user_without_the_right_to_read_gets_nothing(site: Serving, path: str) -> None:
    headers = {"Authorization": f"Bearer {site.token('guest')}"}
    assert httpx.get(f"{site.url}/revenue/{path}", headers=headers).status_code == 403


def test_a_token_that_airflow_did_not_give_is_refused(site: Serving) -> None:
    answer = httpx.get(f"{site.url}/revenue/data", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code in (401, 403)


@pytest.mark.parametrize("path", PATHS)
def test_a_viewer_gets_everything(reader: httpx.Client, path: str) -> None:
    assert reader.get(f"/revenue/{path}").status_code == 200


def test_the_list_of_paths_above_is_that_of_the_app(reader: httpx.Client) -> None:
    from tallyhouse.revenue.web import create_app

    app = create_app(None, None, lambda: None, lambda: None)  # type: ignore[arg-type]  # nothing is asked of it
    assert len(app.routes) == len(PATHS)
    assert reader.get("/revenue/openapi.json").status_code == 404


def test_the_page_is_in_the_navigation(reader: httpx.Client) -> None:
    (plugin,) = [each for each in reader.get("/api/v2/plugins").json()["plugins"] if each["name"] == "revenue_page"]
    (view,) = plugin["external_views"]
    assert (view["name"], view["href"], view["destination"]) == ("Revenue", "revenue/", "nav")


def test_the_status_names_runs_of_airflow_and_what_failed_in_them(reader: httpx.Client) -> None:
    status = reader.get("/revenue/data").json()["status"]
    runs = {run["dag_id"]: run for run in status["runs"]}
    assert set(runs) == {"stripe_events", "warehouse", "marts"}
    assert (runs["marts"]["state"], runs["marts"]["run_id"]) == ("success", "asset_triggered__1")
    failed = runs["stripe_events"]
    assert (failed["state"], failed["run_id"]) == ("failed", "scheduled__2")
    # each once, the first of what is mapped
    assert failed["failed_tasks"] == [
        {"task_id": "report_gaps", "map_index": -1},
        {"task_id": "stage_events", "map_index": 1},
    ]
    assert {check["dag_id"] for check in status["checks"]["others"]} == {"marts"}

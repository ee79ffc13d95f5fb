"""A person who answers what a run asks, by Airflow's REST API as the page of required actions does."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE = 60
"""Seconds until somebody whom nobody asks gives up."""


@dataclass
class Asked:
    """What was asked: Airflow's details of the question, with its run; empty until then."""

    question: dict[str, Any] = field(default_factory=dict)


class Answerer:
    """A user of Airflow who is logged in."""

    def __init__(self, api: httpx.Client, user: str) -> None:
        self._api = api
        self.user = user

    @contextmanager
    def choosing(self, dag_id: str, option: str) -> Iterator[Asked]:
        """While a run of the DAG goes on: waits for the question, and chooses."""
        asked, errors = Asked(), []

        def choose() -> None:
            try:
                asked.question = self._wait(dag_id)
                instance = asked.question["task_instance"]
                path = f"/api/v2/dags/{dag_id}/dagRuns/{instance['dag_run_id']}/taskInstances/{instance['task_id']}/-1"
                answer = self._api.patch(f"{path}/hitlDetails", json={"chosen_options": [option]})
                answer.raise_for_status()
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=choose, daemon=True)
        thread.start()
        yield asked
        thread.join()
        assert errors == []

    def _wait(self, dag_id: str) -> dict[str, Any]:
        """What a task asks that waits for the answer."""
        waiting = {"response_received": False, "state": "awaiting_input"}
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            page = self._api.get(f"/api/v2/dags/{dag_id}/dagRuns/~/hitlDetails", params=waiting)
            page.raise_for_status()
            for detail in page.json()["hitl_details"]:
                return dict(detail)
            time.sleep(0.05)
        raise AssertionError(f"no run of {dag_id} has asked anything")

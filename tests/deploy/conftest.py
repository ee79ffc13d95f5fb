"""What this version of Airflow knows, asked of a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

AskAirflow = Callable[[str, Any], Any]


@pytest.fixture(scope="package")
def ask_airflow() -> Iterator[AskAirflow]:
    """Asks a question of airflow_process: its name, and what it is about."""
    command = [sys.executable, str(Path(__file__).with_name("airflow_process.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        questions, answers = process.stdin, process.stdout
        assert questions is not None
        assert answers is not None

        def ask(name: str, value: Any) -> Any:
            questions.write(json.dumps([name, value]) + "\n")
            questions.flush()
            return json.loads(answers.readline())

        yield ask
        questions.close()

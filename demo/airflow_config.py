"""Airflow's configuration for the demo, all in one place, each with its reason."""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

USER = "admin"


@dataclass(frozen=True)
class AirflowSecrets:
    """Keys and the login, made at the first start and kept, so that sessions and runs survive a restart."""

    fernet_key: str
    api_secret_key: str
    jwt_secret: str
    password: str


def load_or_make_secrets(home: Path) -> AirflowSecrets:
    """Reads `<home>/secrets.json`, or makes it, readable by its owner only."""
    path = home / "secrets.json"
    if path.exists():
        return AirflowSecrets(**json.loads(path.read_text()))
    made = AirflowSecrets(
        fernet_key=urlsafe_b64encode(os.urandom(32)).decode(),
        api_secret_key=secrets.token_urlsafe(32),
        jwt_secret=secrets.token_urlsafe(48),
        password=secrets.token_urlsafe(9),
    )
    home.mkdir(parents=True, exist_ok=True)
    _write_private(path, json.dumps(made.__dict__))
    return made


def write_login(home: Path, login: AirflowSecrets) -> Path:
    """Writes the file from which Airflow's simple auth manager reads passwords; returns its path."""
    path = home / "passwords.json"
    _write_private(path, json.dumps({USER: login.password}) + "\n")
    return path


def sqlalchemy_url(parameters: Mapping[str, str]) -> str:
    """SQLAlchemy's URL (psycopg 3 serves both its synchronous and its asynchronous engine) for libpq's
    parameters; the host may be a socket's folder, which only fits into the query.
    """
    query = urlencode({"host": parameters["host"], "port": parameters["port"]}, quote_via=quote, safe="")
    return f"postgresql+psycopg://{quote(parameters['user'])}@/{quote(parameters['dbname'])}?{query}"


def environment(
    *,
    root: Path,
    home: Path,
    port: int,
    metadata_url: str,
    login: AirflowSecrets,
    passwords_file: Path,
    connections: Mapping[str, str],
) -> dict[str, str]:
    """AIRFLOW_* variables of every Airflow process. `connections` maps connection ids to their JSON."""
    url = f"http://127.0.0.1:{port}"
    options = {
        # --- where things are
        "CORE__DAGS_FOLDER": str(root / "dags"),
        "CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "DATABASE__SQL_ALCHEMY_CONN": metadata_url,
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": metadata_url,
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "LOGGING__COLORED_CONSOLE_LOG": "False",
        # --- who may do what, and from where
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__BASE_URL": url,
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "CORE__FERNET_KEY": login.fernet_key,
        "API__SECRET_KEY": login.api_secret_key,
        "API_AUTH__JWT_SECRET": login.jwt_secret,
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords_file),
        # --- few processes, for two cores
        "CORE__EXECUTOR": "LocalExecutor",
        # Tasks wait for Stripe or for PostgreSQL most of the time; each takes a process of some 100 MB.
        "CORE__PARALLELISM": "4",
        "API__WORKERS": "1",
        "API__DEFAULT_WRAP": "True",  # an error says last what to do: at the end of a long line
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "CORE__MP_START_METHOD": "fork",  # macOS would spawn: every task would import Airflow again
        # --- the clock: the demo's DAGs have many short tasks, and idle waits would be most of its time
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",  # 1 s between two looks at finished tasks
        "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "2",
        # Files that nobody edits: parsing them every 30 s would take from the tasks' processor.
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "120",
        "DAG_PROCESSOR__STALE_DAG_THRESHOLD": "600",  # must exceed the interval above
        "DAG_PROCESSOR__PRINT_STATS_INTERVAL": "300",
        "CORE__DAGBAG_IMPORT_TIMEOUT": "120",  # 30 s is short while everything starts at once
        "DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "180",
        "WORKERS__EXECUTION_API_TIMEOUT": "30",  # 5 s is short while everything starts at once
        "SCHEDULER__MAX_TIS_PER_QUERY": "0",  # no limit of its own; parallelism is the limit
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # no name lookup, which hangs offline
        # A task whose process was killed with the stack is noticed soon after the next start.
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
        # Metrics that nobody collects.
        "SCHEDULER__POOL_METRICS_INTERVAL": "300",
        "SCHEDULER__TI_METRICS_INTERVAL": "300",
        "SCHEDULER__DAGRUN_METRICS_INTERVAL": "300",
    }
    result = {f"AIRFLOW__{name}": value for name, value in options.items()}
    result["AIRFLOW_HOME"] = str(home)
    result |= {f"AIRFLOW_CONN_{name.upper()}": value for name, value in connections.items()}
    return result


def warehouse_connection(parameters: Mapping[str, str]) -> str:
    """JSON of Airflow's Postgres connection for libpq's parameters (unknown ones go to `extra`)."""
    named = {"host": "host", "user": "login", "password": "password", "dbname": "schema"}
    connection: dict[str, object] = {"conn_type": "postgres"}
    extra = {}
    for name, value in parameters.items():
        if name == "port":
            connection["port"] = int(value)
        elif name in named:
            connection[named[name]] = value
        else:
            extra[name] = value
    return json.dumps(connection | ({"extra": extra} if extra else {}))


def stripe_connection(api_key: str, api_base: str, extra: Mapping[str, object] | None = None) -> str:
    """JSON of the connection `stripe_default`; what `extra` may hold is said in tallyhouse/settings.py."""
    return json.dumps({"conn_type": "generic", "password": api_key, "host": api_base, "extra": dict(extra or {})})


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)

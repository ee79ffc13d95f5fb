"""The demo from start to end: the stack, one run through the pipeline, the summary, and the stay."""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from rich.console import Console

from demo import airflow_config, airflow_stack, company, counts, summary_data
from demo.airflow_api import AirflowApi
from demo.errors import DemoError
from demo.pipeline import DAG_IDS, Outcome, Pipeline
from demo.ports import LOOPBACK, first_free
from demo.preflight import CONNECTION, check_stripe, check_warehouse, wait_for_simulator
from demo.processes import Child
from demo.progress import showing
from demo.report import print_failures, print_summary, print_times, print_where
from demo.settings import SIMULATOR_KEY, Settings
from demo.stack import Stack
from demo.stages import Stages
from tallyhouse.client import Account
from tallyhouse.objects import MODELS

# The scheduler first, so that its tasks can still tell the api-server how they ended.
STOP_ORDER = (("scheduler", "dag-processor"),)


def child_environment(environ: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """A child's environment: ours without another Airflow's settings and without secrets, and `added`."""
    private = ("STRIPE_API_KEY", "WAREHOUSE_URL", "PYTHONHOME")
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("AIRFLOW_", "_AIRFLOW_")) and name not in private
    }
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    if sys.platform == "darwin":
        kept["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    return kept | dict(added)


def past_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY in both spellings, this machine added: no proxy reaches the servers on it.

    On macOS the variable also keeps Python from asking the system for proxies, which crashes forked processes.
    """
    local = f"{LOOPBACK},localhost"
    return {name: ",".join(filter(None, [environ.get(name, ""), local])) for name in ("NO_PROXY", "no_proxy")}


class Demo:
    """One run of the demo over `settings`, printed to `console`."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self.settings, self.console = settings, console
        self.paths = settings.paths
        self.stack = Stack(settings.paths)
        self.stages = Stages(console)
        self.login = airflow_config.AirflowSecrets("", "", "", "")

    def run(self, *, once: bool) -> int:
        """Runs until Ctrl-C, or with `once` until the summary is printed. Returns the exit status.

        Whatever happens, all that was started is stopped before it returns or raises.
        """
        os.environ.update(past_proxies(os.environ))
        account = self._check_outside()
        left = self.stack.acquire()
        if left:
            self.console.print(f"A demo that had crashed left {', '.join(left)} running: stopped.")
        try:
            return self._run(account, once=once)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # an impatient second Ctrl-C would leave half of it
            began = time.monotonic()
            self.console.print("Stopping ...", style="dim")
            self.stack.stop(order=STOP_ORDER)
            self.console.print(f"All stopped after {time.monotonic() - began:.1f} s. Data stays in .local/.")

    def _run(self, account: Account | None, *, once: bool) -> int:
        settings = self.settings
        with self.stages.stage("PostgreSQL 18 (embedded)"):
            self.stack.postgres.start()
            is_new = self.stack.postgres.ensure_database("airflow")
            self.stack.postgres.ensure_database("warehouse")
        simulator: Child | None = None
        if settings.uses_simulator:
            simulator, settings = self._start_simulator(settings)
        base, key = settings.stripe_api_base, settings.stripe_api_key
        if base is None or key is None:
            raise DemoError("No Stripe API to read: neither the simulator nor STRIPE_API_BASE is there.")
        env, api = self._configure_airflow(base, key)

        def start(name: str, command: Sequence[str]) -> Child:
            return self.stack.start(name, command, env)

        # The simulator generates its company on the other core meanwhile.
        if is_new or not airflow_stack.is_migrated(self.paths.airflow):
            with self.stages.stage("Airflow's metadata tables"):
                self.stack.forget(airflow_stack.migrate(start, self.paths.airflow))
        since = datetime.now(UTC)
        with self.stages.stage("Airflow: api-server, scheduler, DAGs") as note:
            children = [airflow_stack.start_component(start, name) for name in airflow_stack.COMPONENTS]
            airflow_stack.wait_until_ready(api, children, DAG_IDS, self.paths.root / "dags", note=note)
        if simulator is not None:
            with self.stages.stage(f"Simulated Stripe at {base}") as note:
                account = wait_for_simulator(simulator, base, key, note=note)
            with self.stages.stage("Its installs, ad spend and rates, as files"):
                company.write_files(base, self.paths.acquisition)
        if account is None:
            raise DemoError("Nobody said which account is read: neither the simulator nor Stripe was asked.")
        outcome = self._run_pipeline(api, since, account)
        return self._report_and_stay(outcome, api, once=once)

    def _check_outside(self) -> Account | None:
        if self.settings.warehouse_url:
            check_warehouse(self.settings.warehouse_url)
        if self.settings.stripe_api_base and self.settings.stripe_api_key:
            return check_stripe(
                self.settings.stripe_api_base, self.settings.stripe_api_key, self.settings.stripe_account_id
            )
        return None

    def _start_simulator(self, settings: Settings) -> tuple[Child, Settings]:
        who = company.load_or_found(
            self.paths.local / "simulator.json",
            seed=settings.seed,
            customers=settings.customers,
            months=settings.months,
            now=datetime.now(UTC),
        )
        # which determines every number that the marts show
        since = f"{who.customers:,} customers since {who.founded}, seed {who.seed}"
        self.console.print(f"The simulated company: {since}", style="dim")
        port = first_free(settings.simulator_port)
        command = company.command(who, host=LOOPBACK, port=port, api_key=SIMULATOR_KEY)
        env = child_environment(os.environ, {"PYTHONPATH": str(self.paths.root)})
        child = self.stack.start("simulator", command, env)
        base = f"http://{LOOPBACK}:{port}"
        return child, replace(settings, stripe_api_base=base, stripe_api_key=SIMULATOR_KEY)

    def _configure_airflow(self, api_base: str, api_key: str) -> tuple[dict[str, str], AirflowApi]:
        home = self.paths.airflow
        self.login = airflow_config.load_or_make_secrets(home)
        port = first_free(self.settings.airflow_port)
        added = airflow_config.environment(
            root=self.paths.root,
            home=home,
            port=port,
            metadata_url=airflow_config.sqlalchemy_url(self.stack.postgres.parameters("airflow")),
            login=self.login,
            passwords_file=airflow_config.write_login(home, self.login),
            connections={
                "warehouse": airflow_config.warehouse_connection(self.warehouse_parameters()),
                CONNECTION: airflow_config.stripe_connection(api_key, api_base, self._stripe_extra()),
            },
        )
        # DAG files and tasks import tallyhouse. The demo's own folder is for demo.airflow_process.
        folders = (self.paths.root / "plugins", Path(__file__).resolve().parent.parent)
        if self.settings.uses_simulator:
            added["AIRFLOW_VAR_TALLYHOUSE_ACQUISITION_PATH"] = str(self.paths.acquisition)
        added["PYTHONPATH"] = os.pathsep.join(map(str, folders))
        api = AirflowApi(f"http://{LOOPBACK}:{port}", airflow_config.USER, self.login.password)
        return child_environment(os.environ, added), api

    def _stripe_extra(self) -> dict[str, object]:
        if self.settings.uses_simulator:
            return {"requests_per_second": company.REQUESTS_PER_SECOND}
        account_id = self.settings.stripe_account_id
        return {"account_id": account_id} if account_id else {}

    def warehouse_parameters(self) -> dict[str, str]:
        """libpq's parameters of the warehouse: WAREHOUSE_URL's, or the embedded server's."""
        if self.settings.warehouse_url is None:
            return self.stack.postgres.parameters("warehouse")
        parts = conninfo_to_dict(self.settings.warehouse_url)
        return {name: str(value) for name, value in parts.items() if value is not None}

    def _run_pipeline(self, api: AirflowApi, since: datetime, account: Account) -> Outcome:
        models = [model.name for model in MODELS]
        begun = time.monotonic()
        with (
            psycopg.connect(make_conninfo(**self.warehouse_parameters()), autocommit=True) as connection,
            showing(self.console) as progress,
        ):
            pipeline = Pipeline(api, lambda: counts.read(connection, models), since)
            pipeline.start(is_listed=counts.is_listed(connection, account.account_id, account.livemode))
            outcome = pipeline.wait(progress.show, self.stack.check_alive)
        loaded = outcome.snapshot.counts
        title = f"{loaded.events:,} events, {loaded.objects:,} objects to marts"
        if outcome.succeeded:
            self.stages.done(title, time.monotonic() - begun)
        return outcome

    def _report_and_stay(self, outcome: Outcome, api: AirflowApi, *, once: bool) -> int:
        if not outcome.succeeded:
            print_failures(self.console, outcome, api, self.paths.airflow / "logs")
        with psycopg.connect(make_conninfo(**self.warehouse_parameters())) as connection:
            self._summarise(connection, must=outcome.succeeded)
        print_times(self.console, self.stages)
        embedded = None if self.settings.warehouse_url else self.warehouse_parameters()
        print_where(self.console, api.base_url, self.login.password, embedded, stays=not once)
        if not once:
            self._stay(self.stack.check_alive)
        return 0 if outcome.succeeded else 1

    def _summarise(self, connection: summary_data.Connection, *, must: bool) -> None:
        try:
            print_summary(self.console, summary_data.read(connection))
        except psycopg.Error as error:
            # After a failed run tables may be missing; the failure itself has been shown above.
            if must:
                raise DemoError(f"The summary cannot be read from the warehouse: {error}") from error
            self.console.print("No summary: the warehouse is not complete.", style="dim")

    @staticmethod
    def _stay(check_alive: Callable[[], None]) -> None:
        while True:
            check_alive()
            time.sleep(1)

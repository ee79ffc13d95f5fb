"""What the demo runs against, read from the environment once, at the edge."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from demo.errors import DemoError

STRIPE_API_BASE = "https://api.stripe.com"
SIMULATOR_KEY = "sk_test_tallyhouse"


@dataclass(frozen=True)
class Paths:
    """Where the demo keeps things; all of it is under `<root>/.local`, and `make clean` removes it."""

    root: Path

    @property
    def local(self) -> Path:
        """Everything that the demo writes."""
        return self.root / ".local"

    @property
    def postgres(self) -> Path:
        """Data directory of the embedded server."""
        return self.local / "postgres"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.local / "airflow"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.local / "logs"

    @property
    def acquisition(self) -> Path:
        """The simulated company's files of installs, ad spend and exchange rates."""
        return self.local / "acquisition"


@dataclass(frozen=True)
class Settings:
    """One run of the demo.

    `stripe_api_key` and `stripe_api_base` are None when the simulator stands in for Stripe;
    `warehouse_url` is None when the embedded server holds the warehouse; `stripe_account_id` is None when the
    key may read its own account.
    """

    paths: Paths
    stripe_api_key: str | None
    stripe_api_base: str | None
    warehouse_url: str | None
    stripe_account_id: str | None = None
    airflow_port: int = 8080
    simulator_port: int = 8123
    customers: int = 2000
    months: int = 18
    seed: int = 7

    @property
    def uses_simulator(self) -> bool:
        """Whether the demo starts the simulator: only when the environment names no other source."""
        return self.stripe_api_base is None


def from_environment(root: Path, environ: Mapping[str, str]) -> Settings:
    """Reads STRIPE_API_KEY, STRIPE_API_BASE, STRIPE_ACCOUNT_ID, WAREHOUSE_URL, AIRFLOW_PORT, SIMULATOR_PORT,
    DEMO_CUSTOMERS, DEMO_MONTHS and DEMO_SEED; an empty value counts as not set.

    DemoError names the variable that is wrong.
    """
    key = environ.get("STRIPE_API_KEY", "").strip() or None
    base = environ.get("STRIPE_API_BASE", "").strip().rstrip("/") or None
    if base is not None:
        _check_http_url("STRIPE_API_BASE", base)
        key = key or SIMULATOR_KEY
    elif key is not None:
        base = STRIPE_API_BASE
    if base == STRIPE_API_BASE and key == SIMULATOR_KEY:
        raise DemoError(
            f"STRIPE_API_BASE is {STRIPE_API_BASE}, but there is no key for it: set STRIPE_API_KEY to a "
            "restricted key of your account, or unset STRIPE_API_BASE to use the simulator."
        )
    warehouse = environ.get("WAREHOUSE_URL", "").strip() or None
    if warehouse is not None:
        check_postgres_url("WAREHOUSE_URL", warehouse)
    return Settings(
        paths=Paths(root),
        stripe_api_key=key,
        stripe_api_base=base,
        warehouse_url=warehouse,
        stripe_account_id=environ.get("STRIPE_ACCOUNT_ID", "").strip() or None,
        airflow_port=_whole(environ, "AIRFLOW_PORT", 8080, 1, 65535),
        simulator_port=_whole(environ, "SIMULATOR_PORT", 8123, 1, 65535),
        customers=_whole(environ, "DEMO_CUSTOMERS", 2000, 1, 10_000_000),
        months=_whole(environ, "DEMO_MONTHS", 18, 1, 240),
        seed=_whole(environ, "DEMO_SEED", 7, 0, 2**31),
    )


def check_postgres_url(name: str, url: str) -> None:
    """DemoError unless `url` has the form postgresql://user@host/database. The URL is never echoed whole."""
    shape = "postgresql://user:password@host:5432/database"
    if not url.startswith(("postgresql://", "postgres://")):
        raise DemoError(f"{name} is not a PostgreSQL URL. It has this form: {shape}")
    try:
        parts = conninfo_to_dict(url)
    except (ProgrammingError, UnicodeError) as error:
        raise DemoError(
            f"{name} cannot be read as a PostgreSQL URL ({_without(url, str(error)).strip()}). "
            f"It has this form: {shape}"
        ) from None
    if not parts.get("dbname"):
        raise DemoError(f"{name} names no database. It has this form: {shape}")


def _without(secret: str, text: str) -> str:
    return text.replace(secret, "...")


def _check_http_url(name: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise DemoError(f"{name} is not an http(s) URL: {url!r}. Example: http://127.0.0.1:12111")


def _whole(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise DemoError(f"{name} must be a whole number from {least} to {most}, not {text!r}.")
    return value

"""What the environment says about Stripe, the warehouse, and ports."""

from pathlib import Path

import pytest

from demo.errors import DemoError
from demo.settings import SIMULATOR_KEY, from_environment

ROOT = Path("/project")


def test_an_empty_environment_means_simulator_and_embedded_warehouse() -> None:
    settings = from_environment(ROOT, {"STRIPE_API_KEY": "", "WAREHOUSE_URL": " "})
    assert settings.uses_simulator
    assert settings.stripe_api_key is None
    assert settings.warehouse_url is None
    assert (settings.airflow_port, settings.simulator_port) == (8080, 8123)


def test_a_key_alone_means_stripe_itself_and_no_simulator() -> None:
    settings = from_environment(ROOT, {"STRIPE_API_KEY": "rk_test_abc"})
    assert not settings.uses_simulator
    assert (settings.stripe_api_base, settings.stripe_api_key) == ("https://api.stripe.com", "rk_test_abc")


def test_another_api_base_means_that_server_and_no_simulator() -> None:
    settings = from_environment(ROOT, {"STRIPE_API_BASE": "http://127.0.0.1:12111/"})
    assert not settings.uses_simulator
    assert settings.stripe_api_base == "http://127.0.0.1:12111"
    assert settings.stripe_api_key == SIMULATOR_KEY


def test_a_key_goes_with_another_api_base() -> None:
    environ = {"STRIPE_API_BASE": "http://127.0.0.1:12111", "STRIPE_API_KEY": "sk_test_mine"}
    assert from_environment(ROOT, environ).stripe_api_key == "sk_test_mine"


def test_stripe_itself_without_a_key_is_refused() -> None:
    with pytest.raises(DemoError, match="STRIPE_API_KEY"):
        from_environment(ROOT, {"STRIPE_API_BASE": "https://api.stripe.com"})


@pytest.mark.parametrize("base", ["127.0.0.1:12111", "ftp://example.com", "http://", "http://host:port"])
def test_an_api_base_that_is_no_url_is_named(base: str) -> None:
    with pytest.raises(DemoError, match="STRIPE_API_BASE"):
        from_environment(ROOT, {"STRIPE_API_BASE": base})


@pytest.mark.parametrize(
    "url", ["mysql://localhost/x", "warehouse", "postgresql://host:5432", "postgresql://h/db?no_such=1"]
)
def test_a_warehouse_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(DemoError, match="WAREHOUSE_URL"):
        from_environment(ROOT, {"WAREHOUSE_URL": url})


def test_the_error_about_a_warehouse_url_does_not_show_its_password() -> None:
    with pytest.raises(DemoError) as caught:
        from_environment(ROOT, {"WAREHOUSE_URL": "postgresql://me:hush-hush@h/db?no_such=1"})
    assert "hush-hush" not in str(caught.value)


def test_a_good_warehouse_url_is_kept() -> None:
    url = "postgresql://me:secret@db.example.com:6432/books?sslmode=require"
    assert from_environment(ROOT, {"WAREHOUSE_URL": url}).warehouse_url == url


@pytest.mark.parametrize(
    ("name", "value"), [("AIRFLOW_PORT", "eighty"), ("SIMULATOR_PORT", "70000"), ("DEMO_CUSTOMERS", "0")]
)
def test_a_number_out_of_range_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(DemoError, match=name):
        from_environment(ROOT, {name: value})

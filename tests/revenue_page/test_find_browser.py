"""Without a browser, tests of the page are skipped on a laptop and fail in CI."""

from pathlib import Path

import pytest

from tests.revenue_page.conftest import find_browser


def test_without_a_browser_the_tests_are_skipped_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="apt install chromium"):
        find_browser({"PATH": str(tmp_path)})


def test_where_ci_is_set_a_browser_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="where CI is set no test is skipped"):
        find_browser({"PATH": str(tmp_path), "CI": "true"})


def test_the_browser_that_is_installed_is_found(tmp_path: Path) -> None:
    browser = tmp_path / "chromium"
    browser.write_text("")
    browser.chmod(0o755)
    assert find_browser({"PATH": str(tmp_path), "CI": "true"}) == str(browser)

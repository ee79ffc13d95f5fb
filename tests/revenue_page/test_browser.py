"""The page in a real browser, inside Airflow and by itself: what a person sees, reads, presses and gets."""

import csv
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.revenue_page.conftest import Serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Frame, Page, Route

Asking = Callable[..., list[tuple[Any, ...]]]

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="package")
def cookie(site: Serving) -> dict[str, str]:
    """What the browser of a reader who has logged in has."""
    return {"name": "_token", "value": site.token("reader"), "url": site.url}


@pytest.fixture
def context(browser: "Browser", cookie: dict[str, str]) -> Iterator["BrowserContext"]:
    """A browser of somebody who may read, far from UTC; it fails the test when a script of the page does."""
    opened = browser.new_context(viewport=DESKTOP, locale="en-US", timezone_id="Pacific/Auckland")
    opened.add_cookies([cookie])
    problems: list[str] = []
    opened.on("weberror", lambda event: problems.append(str(event.error)))
    yield opened
    opened.close()
    assert problems == []


def open_page(context: "BrowserContext", site: Serving, search: str = "?currency=usd") -> "Page":
    """The page by itself, drawn."""
    page = context.new_page()
    page.goto(f"{site.url}/revenue/{search}")
    page.wait_for_selector("html[data-ready]")
    return page


def open_in_airflow(context: "BrowserContext", site: Serving, path: str = "/plugin/revenue") -> tuple["Page", "Frame"]:
    """Airflow's own page, and the frame in it, drawn."""
    page = context.new_page()
    page.goto(f"{site.url}{path}")
    return page, drawn_frame(page)


def drawn_frame(page: "Page") -> "Frame":
    frame = page.wait_for_selector("iframe[title=Revenue]").content_frame()
    assert frame is not None
    frame.wait_for_selector("html[data-ready]")
    return frame


def table_of(page: "Page", chart: str) -> list[list[str]]:
    """The exact values of a chart's table, after it was asked for."""
    card = page.locator(f"#chart-{chart}")
    card.get_by_role("button", name="Table").click()
    found: list[list[str]] = card.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.dataset.value))"
    )
    return found


def test_the_numbers_on_the_page_are_those_of_the_mart(
    context: "BrowserContext", site: Serving, asking: Asking
) -> None:
    page = open_page(context, site)
    expected = asking(
        "select month::text, sum(closing_mrr_minor) / 100, sum(new_minor) / 100 from mart.mrr_movement_monthly "
        "where currency = 'usd' group by 1 order by 1"
    )
    rows = table_of(page, "mrr")
    assert [(row[0], Decimal(row[8]), Decimal(row[2])) for row in rows] == expected
    closing = expected[-1][1]
    cells = page.locator("#chart-mrr tbody tr").last.locator("td").all_inner_texts()
    assert (cells[0], cells[8], cells[9]) == ("Mar 2026", f"${closing:,.2f}", "so far")
    figure = page.locator(".figure", has_text="MRR").first
    assert figure.locator(".value").inner_text() == f"${closing:,.2f}"


def test_all_currencies_are_chosen_and_shown_in_the_reporting_currency(
    context: "BrowserContext", site: Serving, asking: Asking
) -> None:
    page = open_page(context, site, "?currency=usd&from=2025-12")
    page.select_option("select[name=currency]", label="All, in USD")
    page.wait_for_selector("#footer:has-text('of all currencies')")
    page.wait_for_url("**currency=every**")
    # a plan has one currency
    assert page.locator("select[name=plan]").count() == 0
    expected = asking(
        "select month::text, sum(fx_minor) / 100, sum(closing_mrr_minor) / 100 "
        "from mart.mrr_movement_reporting_monthly where month >= '2025-12-01' group by 1 order by 1"
    )
    rows = table_of(page, "mrr")
    head = page.locator("#chart-mrr thead th").all_inner_texts()
    fx, closing = head.index("Exchange rates"), head.index("Closing")
    assert [(row[0], pytest.approx(Decimal(row[fx])), pytest.approx(Decimal(row[closing]))) for row in rows] == expected
    shown = page.locator(".figure", has_text="MRR").first.locator(".value").inner_text()
    assert shown == f"${expected[-1][2]:,.2f}"
    assert "counts in each" in page.locator("#chart-subscribers .note").inner_text()
    page.locator("#chart-mrr").get_by_role("button", name="Table").click()
    assert "Exchange rates" in page.locator("#chart-mrr .legend").inner_text()


def test_where_a_rate_is_missing_the_page_says_of_which_currency_and_what_to_do(
    context: "BrowserContext", site: Serving
) -> None:
    page = open_page(context, site, "?currency=every&from=2025-07")
    said = page.locator("#message .problem")
    assert "there is no exchange rate to USD" in said.inner_text()
    assert said.get_by_role("link", name="acquisition").get_attribute("href") == f"{site.url}/dags/acquisition"
    assert page.locator("#chart-mrr svg").count() == 1
    page.select_option("select[name=currency]", "usd")
    said.wait_for(state="detached")


def test_the_triangle_has_the_cohorts_of_the_mart(context: "BrowserContext", site: Serving, asking: Asking) -> None:
    page = open_page(context, site)
    expected = asking(
        "select sum(active_customers) / sum(cohort_customers) from mart.cohort_retention_monthly "
        "where currency = 'usd' group by cohort_month, months_since order by cohort_month, months_since"
    )
    cells = page.locator("#chart-cohort_customers td[data-value]")
    shown = cells.evaluate_all("cells => cells.map(cell => Number(cell.dataset.value))")
    assert shown == pytest.approx([float(value) for (value,) in expected])
    assert page.locator("#chart-cohort_customers tbody tr").count() == 9
    assert cells.first.inner_text() == str(round(expected[0][0] * 100))


@pytest.mark.parametrize("currency", ["usd", "jpy", "kwd"])
def test_money_has_the_decimals_of_its_currency(context: "BrowserContext", site: Serving, currency: str) -> None:
    page = open_page(context, site, f"?currency={currency}")
    text = page.locator(".figure", has_text="MRR").first.locator(".value").inner_text()
    assert len(text.partition(".")[2]) == {"usd": 2, "jpy": 0, "kwd": 3}[currency]


def test_the_csv_is_the_table(context: "BrowserContext", site: Serving) -> None:
    page = open_page(context, site)
    rows = table_of(page, "churn")
    with page.expect_download() as download:
        page.locator("#chart-churn").get_by_role("link", name="CSV").click()
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        head, *lines = csv.reader(file)
    assert download.value.suggested_filename == "tallyhouse-churn-usd-test-by-month-2025-07-2026-03.csv"
    assert head[0] == "period"
    assert lines == rows


def test_the_sql_of_a_chart_is_shown_as_it_was_asked(context: "BrowserContext", site: Serving) -> None:
    page = open_page(context, site, "?currency=jpy&by=quarter")
    page.locator("#chart-trials").get_by_role("button", name="SQL").click()
    text = page.locator("dialog code").inner_text()
    assert "from mart.asked_months('jpy'::text, false::boolean, '2025-" in text
    assert "'quarter'::text, NULL::text) as asked" in text
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def test_a_view_is_shared_by_its_address(context: "BrowserContext", site: Serving) -> None:
    page, frame = open_in_airflow(context, site)
    frame.select_option("select[name=currency]", "jpy")
    frame.wait_for_selector("#footer:has-text('JPY')")
    frame.get_by_label("Quarters").check(force=True)
    frame.wait_for_selector("#chart-mrr[data-by=quarter]")
    frame.locator("#chart-mrr").get_by_role("button", name="Table").click()
    shared = "/plugin/revenue/revenue/?currency=jpy&by=quarter&tables=mrr"
    page.wait_for_url(f"{site.url}{shared}")
    _, other = open_in_airflow(context, site, shared)
    assert other.locator("select[name=currency]").input_value() == "jpy"
    assert other.locator("#chart-mrr tbody td").first.inner_text().startswith("Q")


def test_a_link_to_a_run_leads_out_of_the_frame(context: "BrowserContext", site: Serving) -> None:
    page, frame = open_in_airflow(context, site)
    # a run that failed opens the status by itself
    line = frame.locator(".status.bad .troubles li", has_text="stripe_events failed")
    run = f"{site.url}/dags/stripe_events/runs/scheduled__2"
    assert line.get_by_role("link", name="report_gaps").get_attribute("href") == f"{run}/tasks/report_gaps"
    line.get_by_role("link", name="stage_events").click()
    # Airflow has no page of a mapped task as a whole
    page.wait_for_url(f"{run}/tasks/stage_events/mapped/1")


def test_differences_that_are_nothing_wrong_are_noted_and_others_named(
    context: "BrowserContext", site: Serving
) -> None:
    page = context.new_page()

    def differ(route: "Route") -> None:
        answer = route.fetch()
        document = answer.json()
        status = document["status"]
        status["checks"]["others"], status["runs"], status["freshness"], status["gaps"] = [], [], [], []
        first, second, *_ = status["reconciliation"]
        first["later_than_lag"], second["never_seen"], second["stale"] = 3, 2, 1
        status["reconciliation"] = [first] if route.request.url.endswith("currency=usd") else [first, second]
        route.fulfill(response=answer, json=document)

    page.route("**/data?*", differ)
    page.goto(f"{site.url}/revenue/?currency=usd")
    page.wait_for_selector("html[data-ready]")
    page.locator(".status.good summary").click()
    assert "nothing is wrong" in page.locator(".troubles li.note").inner_text()
    assert page.locator(".troubles li").count() == 1
    page.goto(f"{site.url}/revenue/?currency=eur")
    page.wait_for_selector("html[data-ready]")
    page.locator(".status.warn summary").click()
    assert "2 never seen, 1 stale, healed by the next load" in page.locator(".troubles li.warn").inner_text()


def test_a_check_that_failed_is_told_with_its_first_rows_and_a_link_to_its_run(
    context: "BrowserContext", site: Serving
) -> None:
    page = context.new_page()

    def fail(route: "Route") -> None:
        answer = route.fetch()
        document = answer.json()
        failed = {"check_name": "mrr_movements_add_up", "layer": "mart", "status": "failed", "failing_count": 7}
        failed |= {"threshold": 0, "dag_id": "marts", "run_id": "scheduled__1", "checked_at": "2026-04-01T12:00:00Z"}
        failed |= {"first_rows": [{"currency": "usd", "month": "2026-02-01", "found": None}]}
        document["status"]["checks"]["others"] = [failed]
        route.fulfill(response=answer, json=document)

    page.route("**/data?*", fail)
    page.goto(f"{site.url}/revenue/?currency=usd")
    page.wait_for_selector("html[data-ready]")
    trouble = page.locator(".status.bad .troubles li.bad", has_text="mrr_movements_add_up")
    assert "Check mrr_movements_add_up failed: 7 rows found, 0 allowed." in trouble.inner_text()
    assert trouble.locator("ul.rows li").all_inner_texts() == ["currency: usd, month: 2026-02-01, found: none"]
    assert str(trouble.locator("a").get_attribute("href")).endswith("/dags/marts/runs/scheduled__1")


def test_airflow_has_the_page_in_its_navigation_and_gives_it_its_theme(
    context: "BrowserContext", site: Serving
) -> None:
    context.add_init_script("try { localStorage.setItem('theme', 'dark') } catch {}")
    page = context.new_page()
    page.goto(site.url)
    page.get_by_role("link", name="Revenue").click()
    frame = drawn_frame(page)
    assert frame.locator("html").get_attribute("data-theme") == "dark"
    behind = "getComputedStyle(document.documentElement).backgroundColor"
    assert frame.evaluate(behind) == page.evaluate(behind)
    ink = frame.evaluate("getComputedStyle(document.body).color")
    page.evaluate("document.documentElement.className = 'light'")
    frame.wait_for_selector("html[data-theme=light]")
    assert frame.evaluate("getComputedStyle(document.body).color") != ink


def test_everything_can_be_reached_and_read_by_keys_alone(context: "BrowserContext", site: Serving) -> None:
    page = open_page(context, site)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the charts"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    # the definition of the first chart, in the words of the database
    assert page.evaluate("document.activeElement.className") == "info"
    assert "closing = opening + new" in page.locator("#definition").inner_text()
    order = []
    for _ in range(3):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.textContent"))
    assert order == ["Table", "CSV", "SQL"]
    while page.evaluate("document.activeElement.className") != "drawing":
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".tip strong").inner_text() == "Mar 2026 so far"
    said = page.locator("[aria-live]").inner_text()
    assert said.startswith("Mar 2026 so far: Opening $")
    page.keyboard.press("Home")
    assert page.locator(".tip strong").inner_text() == "Jul 2025"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_every_button_has_a_name_of_its_own_and_open_cells_say_so_to_who_does_not_see_them(
    context: "BrowserContext", site: Serving
) -> None:
    page = open_page(context, site)
    names = page.locator("#charts button, #charts a").evaluate_all(
        "all => all.map(each => each.ariaLabel ?? each.textContent)"
    )
    assert len(names) > 50
    assert len(set(names)) == len(names)
    page.get_by_role("button", name="Table of Subscriber churn", exact=True).click()
    assert page.locator("#chart-churn table.full").count() == 1
    cells = page.locator("#chart-cohort_customers td[data-value]")
    said = {cell.get_attribute("class"): cell.text_content() for cell in (cells.first, cells.last)}
    assert said == {"": "100", "open": "100 so far"}


def test_a_chart_says_what_a_period_was_when_it_is_pointed_at(context: "BrowserContext", site: Serving) -> None:
    page = open_page(context, site)
    box = page.locator("#chart-mrr .canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 40, box["y"] + box["height"] / 2)
    tip = page.locator(".tip").inner_text()
    assert tip.startswith("Mar 2026 so far")
    assert all(word in tip for word in ("Opening", "Expansion", "Churn", "Closing"))
    page.locator("#chart-mrr .legend .defined", has_text="Churn").hover()
    definition = page.locator("#definition")
    assert definition.inner_text().startswith("MRR of customers who kept none")
    # it stays where the pointer goes to read it, and leaves with it
    definition.hover()
    page.wait_for_timeout(400)
    assert definition.is_visible()
    page.mouse.move(0, 0)
    definition.wait_for(state="hidden")


DASHED = "#chart-{} .canvas path[stroke-dasharray]"
HOLLOW = "#chart-{} .canvas path[transform][stroke][fill='#ffffff']"


@pytest.mark.parametrize(
    ("chart", "lines", "points"),
    # trials that ended in February are not decided yet
    [("mrr", 1, 1), ("subscribers", 2, 2), ("churn", 1, 1), ("retention", 2, 2), ("trials", 1, 2)],
)
def test_a_line_is_dashed_and_its_points_hollow_where_a_month_is_open(
    context: "BrowserContext", site: Serving, chart: str, lines: int, points: int
) -> None:
    page = open_page(context, site)
    assert page.locator(DASHED.format(chart)).count() == lines
    assert page.locator(HOLLOW.format(chart)).count() == points
    assert "dashed lines to hollow points" in page.locator("#footer").inner_text()
    page.goto(f"{site.url}/revenue/?currency=usd&to=2025-12")
    page.wait_for_selector("html[data-ready]")
    assert page.locator(f"#chart-{chart} .canvas path").count() > 5
    assert page.locator(f"{DASHED.format(chart)}, {HOLLOW.format(chart)}").count() == 0


def test_an_open_month_does_not_set_the_axis_of_the_lifetime_value(context: "BrowserContext", site: Serving) -> None:
    page = context.new_page()

    def lengthen(route: "Route") -> None:
        """What comes of a month that began with a single customer who left."""
        answer = route.fetch()
        document = answer.json()
        (chart,) = [chart for chart in document["charts"] if chart["name"] == "value"]
        place = [column["key"] for column in chart["columns"]].index("ltv")
        chart["rows"][-1][place] = "98765432"
        route.fulfill(response=answer, json=document)

    page.route("**/data?*", lengthen)
    page.goto(f"{site.url}/revenue/?currency=usd")
    page.wait_for_selector("html[data-ready]")
    axis = page.locator("#chart-value .canvas text").all_text_contents()
    assert len(axis) > 8
    assert [label for label in axis if label.endswith("M")] == []
    # and it is told
    page.locator("#chart-value .drawing").press("ArrowLeft")
    assert "LTV $98,765,432.00" in page.locator("[aria-live]").inner_text()
    assert page.locator(".tip strong").inner_text() == "Mar 2026 so far"


def test_a_figure_says_that_it_is_of_all_plans_when_one_is_chosen(context: "BrowserContext", site: Serving) -> None:
    page = open_page(context, site)
    page.locator("select[name=plan] option").nth(1).wait_for(state="attached")
    page.select_option("select[name=plan]", index=1)
    page.wait_for_selector(".figure .ignored")
    unmarked = page.locator(".figure:not(:has(.ignored)) .label").all_inner_texts()
    assert unmarked == ["MRR", "ARR", "Active subscribers"]
    assert page.locator(".figure .ignored").first.inner_text() == "of all plans"


PARTS = """() => {
    const probe = document.body.appendChild(document.createElement("span"));
    const rgb = (name) => {
        probe.style.color = `var(--${name})`;
        const canvas = new OffscreenCanvas(1, 1).getContext("2d");
        canvas.fillStyle = getComputedStyle(probe).color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    return ["card", "won1", "lost1", "accent", "quiet", "ink"].map(rgb);
}"""


def contrast(one: list[int], other: list[int]) -> float:
    """WCAG 2.2's contrast ratio of two sRGB colours."""

    def luminance(colour: list[int]) -> float:
        linear = [(c / 255 + 0.055) ** 2.4 / 1.055**2.4 if c > 10 else c / 255 / 12.92 for c in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_edges_of_bars_and_words_stand_out_from_the_card(context: "BrowserContext", site: Serving, theme: str) -> None:
    page = open_page(context, site)
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    card, *edges = page.evaluate(PARTS)
    assert [contrast(card, edge) >= least for edge, least in zip(edges, (3, 3, 4.5, 4.5, 4.5), strict=True)] == [
        True
    ] * 5
    small = page.evaluate(
        "[...document.querySelectorAll('.tool, .info, select')].map(each => each.getBoundingClientRect())"
        ".filter(box => box.width < 24 || box.height < 24).length"
    )
    assert small == 0


def test_at_the_width_of_a_phone_nothing_is_cut_off(context: "BrowserContext", site: Serving) -> None:
    page = open_page(context, site)
    page.set_viewport_size(PHONE)
    page.wait_for_function("document.querySelector('#chart-mrr .canvas svg').clientWidth < 380")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    outside = page.evaluate(
        "[...document.querySelectorAll('.card, .figure, select, .tool, svg')]"
        ".filter(each => each.getBoundingClientRect().right > innerWidth).map(each => each.outerHTML.slice(0, 80))"
    )
    assert outside == []


def test_nothing_is_loaded_from_another_host(context: "BrowserContext", site: Serving) -> None:
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.url}/revenue/")
    page.wait_for_selector("html[data-ready]")
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith(site.url)] == []


TIMES = """() => {
    const asked = performance.getEntriesByType("resource").filter((each) => each.name.includes("/data"));
    const painted = performance.getEntriesByName("first-contentful-paint")[0].startTime;
    return [asked.length, painted, Number(document.documentElement.dataset.ready)];
}"""


def test_it_is_painted_within_a_second_drawn_within_three_and_asks_for_the_numbers_once(
    context: "BrowserContext", site: Serving
) -> None:
    page = open_page(context, site)
    # the machine may be busy with something else: the best of three
    best = soonest = float("inf")
    for _ in range(3):
        count, painted, drawn = page.evaluate(TIMES)
        assert count == 1
        best, soonest = min(best, painted), min(soonest, drawn)
        if best < 1000 and soonest < 3000:
            break
        page.reload()
        page.wait_for_selector("html[data-ready]")
    assert best < 1000
    assert soonest < 3000


def test_a_filter_that_cannot_be_offers_a_way_back(context: "BrowserContext", site: Serving) -> None:
    page = context.new_page()
    page.goto(f"{site.url}/revenue/?currency=xyz")
    assert "There is no currency 'xyz'" in page.locator("#message .problem").inner_text()
    page.get_by_role("button", name="Show the usual range").click()
    page.wait_for_selector("#chart-mrr svg")
    page.wait_for_url(f"{site.url}/revenue/")


def test_who_is_signed_out_meanwhile_is_told_so(context: "BrowserContext", site: Serving) -> None:
    page = open_page(context, site)
    context.clear_cookies()
    page.select_option("select[name=currency]", "eur")
    page.wait_for_selector("#message .problem")
    assert page.locator("#message").inner_text().startswith("You are signed out.")
    assert page.locator("#charts .card").count() == 0

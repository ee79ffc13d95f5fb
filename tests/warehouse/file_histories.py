"""Rows of files for the property test: of few things, changed at few times: corrections and ties are the rule."""

from datetime import timedelta

from hypothesis import strategies as st

from tests.warehouse.histories import START, reference, seconds
from tests.warehouse.raw_rows import StoredRow

channel_names = st.sampled_from(["search", "social"])
installs = st.fixed_dictionaries(
    {
        "user_id": reference("user"),
        "install_id": reference("install"),
        "installed_at": st.sampled_from(["2026-03-01", "2026-03-01T23:00:00-03:00"]),
        "os_name": st.sampled_from(["iOS", "Android"]),
        "channel_name": channel_names,
    },
    optional={"app_version": st.just("2.1"), "country_code": st.sampled_from(["DE", "FR"])},
)
channels = st.fixed_dictionaries(
    {"channel_name": channel_names}, optional={"channel_group": st.sampled_from(["paid", "owned"])}
)
clients = st.fixed_dictionaries({"os_name": st.sampled_from(["iOS", "Linux"])}, optional={"device_name": st.just("d")})
spends = st.fixed_dictionaries(
    {
        "day": st.just("2026-03-01"),
        "channel_name": channel_names,
        "currency": st.sampled_from(["usd", "jpy"]),
        "spend": st.sampled_from(["1", "2.50"]),
    },
    optional={"campaign_name": st.just("c"), "clicks": st.just("3")},
)


rates = st.fixed_dictionaries(
    {
        "date": st.sampled_from(["2026-03-01", "2026-03-02"]),
        "from_currency": st.just("eur"),
        "to_currency": st.just("usd"),
        "rate": st.sampled_from(["1.1", "1.20"]),
    },
    optional={"source": st.just("ECB")},
)


FILE_ROWS = {"install": installs, "channel": channels, "client": clients, "ad_spend": spends, "fx_rate": rates}


@st.composite
def stored_rows(draw: st.DrawFn) -> StoredRow:
    kind, payloads = draw(st.sampled_from([*FILE_ROWS.items()]))
    payload = draw(payloads)
    # one line of one file says one thing
    said = f"{kind} {sorted(payload.items())}"
    return StoredRow(START + timedelta(seconds=draw(seconds)), kind, payload, sha256=said)


files = st.lists(stored_rows(), max_size=6)

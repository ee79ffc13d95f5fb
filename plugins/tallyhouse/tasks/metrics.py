"""Numbers of the pipeline for Airflow's own metrics: OpenTelemetry or StatsD, whichever Airflow is configured for."""

from collections.abc import Iterable

from airflow.sdk.observability import stats

from tallyhouse.measures import Measure


def tell(measures: Iterable[Measure]) -> None:
    """Sends levels as gauges and all others, unless they are none, as counters: `tallyhouse.<name>`."""
    for measure in measures:
        name = stats.normalize_name_for_stats(f"tallyhouse.{measure.name}", log_warning=False)
        if measure.is_level:
            stats.gauge(name, measure.value)
        elif measure.value:
            stats.incr(name, int(measure.value))

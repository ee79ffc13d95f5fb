"""The DAG export_marts: files in a folder or an object store, as its form asks; nothing where none is configured."""

import csv
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tallyhouse.errors import TallyhouseError
from tests.dags.runs import Dags

VARIABLE = "AIRFLOW_VAR_TALLYHOUSE_EXPORT_PATH"
DAY_OF_CHARGES = "select max(created_at)::date::text from raw.event where object_type = 'charge'"


@pytest.fixture
def bucket() -> str:
    """A name that no other test has: all servers of S3 in one process share what is in them."""
    return f"exports-{uuid.uuid4()}"


@pytest.fixture
def s3(bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.session.Session]:
    """A client of a server of S3 on this machine, with the bucket; the Airflow connection aws_exports leads there."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    connection = {
        "conn_type": "aws", "login": "testing", "password": "testing",
        "extra": {"endpoint_url": url, "region_name": "us-east-1"},
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_AWS_EXPORTS", json.dumps(connection))
    client = boto3.client(
        "s3", endpoint_url=url, aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1"
    )
    client.create_bucket(Bucket=bucket)
    yield client
    server.stop()


def test_without_a_folder_it_is_green_and_says_so(
    dags: Dags, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with caplog.at_level("INFO"):
        run = dags.run("export_marts")
    assert (run.state, run.errors) == ("success", {})
    assert run.not_successful == {"export_views": ["skipped"], "export_sources": ["skipped"]}
    assert "No folder is configured" in caplog.text
    assert "tallyhouse_export_path" in caplog.text


def test_chosen_views_and_the_days_sources_are_objects_of_a_bucket_and_a_second_run_adds_none(
    loaded_dags: Dags, s3: boto3.session.Session, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"s3://aws_exports@{bucket}/daily")
    ((day,),) = loaded_dags.rows(DAY_OF_CHARGES)

    def keys_and_hashes() -> dict[str, str]:
        return {found["Key"]: found["ETag"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]}

    form = {"marts": ["revenue_daily", "mrr_daily"], "day": day, "format": "both"}
    first = loaded_dags.run("export_marts", **form)
    assert (first.state, first.not_successful, first.errors) == ("success", {}, {})
    written = keys_and_hashes()
    assert set(written) == {
        f"daily/{name}/day={day}/{file}"
        for name in ("revenue_daily", "mrr_daily", "charge_source")
        for file in ("part-0.csv", "part-0.parquet", "_manifest.json")
    }
    body = s3.get_object(Bucket=bucket, Key=f"daily/revenue_daily/day={day}/part-0.csv")["Body"].read().decode()
    gross = [row["gross_minor"] for row in csv.DictReader(body.splitlines())]
    assert sorted(gross) == sorted(str(n) for (n,) in loaded_dags.rows("select gross_minor from mart.revenue_daily"))
    assert loaded_dags.run("export_marts", **form).state == "success"
    again = keys_and_hashes()
    assert {key: tag for key, tag in again.items() if "part-" in key} == {
        key: tag for key, tag in written.items() if "part-" in key
    }
    assert set(again) == set(written)


def test_the_form_says_what_is_left_out(
    loaded_dags: Dags, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    ((day,),) = loaded_dags.rows(DAY_OF_CHARGES)
    with caplog.at_level("INFO"):
        run = loaded_dags.run("export_marts", marts=[], day=day, format="csv")
    assert (run.state, run.not_successful) == ("success", {"export_views": ["skipped"]})
    (part,) = tmp_path.rglob("part-*")
    rows = list(csv.DictReader(part.read_text().splitlines()))
    count = "select count(distinct object_id) from raw.event where object_type = 'charge' and created_at::date = '{}'"
    assert [(len(rows),)] == loaded_dags.rows(count.format(day))
    assert f"charge_source of {day}: {len(rows)} rows" in caplog.text
    assert {"last4", "fingerprint"} & set("".join(row["source"] for row in rows).split('"')) == set()


def test_a_store_that_airflow_cannot_open_fails_at_once(dags: Dags, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "gs://somewhere/exports")
    run = dags.run("export_marts")
    assert run.state == "failed"
    assert type(run.errors["export_views"]) is TallyhouseError
    assert "tallyhouse_export_path" in str(run.errors["export_views"])
    assert run.tries["export_views"] == [1]

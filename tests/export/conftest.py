"""Places to export to: a folder, and a bucket of a local server that speaks S3."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from tallyhouse.export_folder import ExportFolder


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """A server of S3 on this machine. All servers of one process share what is in them."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    yield url
    server.stop()


def s3_files(url: str) -> fsspec.AbstractFileSystem:
    """The server's files, with a key that it does not look at."""
    return fsspec.filesystem("s3", endpoint_url=url, key="testing", secret="testing")


@pytest.fixture(params=["folder", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> ExportFolder:
    """An empty place, of each kind."""
    if request.param == "folder":
        return ExportFolder(fsspec.filesystem("file"), str(tmp_path))
    files, bucket = s3_files(request.getfixturevalue("s3_url")), f"exports-{uuid.uuid4()}"
    files.mkdir(bucket)
    return ExportFolder(files, f"{bucket}/daily")

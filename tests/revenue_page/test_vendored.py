"""The chart library is the file that its authors published, and nothing else comes from elsewhere."""

import base64
import hashlib
import io
import json
import re
import tarfile

import httpx
import pytest

from tallyhouse.revenue import assets
from tests.conftest import ROOT

VENDOR = assets.FOLDER / "vendor"
LOCK = json.loads((VENDOR / "lock.json").read_text())


@pytest.mark.parametrize("package", LOCK, ids=lambda package: package["name"])
def test_the_files_are_those_that_are_recorded(package: dict) -> None:
    for file in package["files"]:
        assert hashlib.sha256((VENDOR / file["as"]).read_bytes()).hexdigest() == file["sha256"], file["as"]


def test_every_vendored_file_is_recorded() -> None:
    recorded = {file["as"] for package in LOCK for file in package["files"]}
    assert {path.name for path in VENDOR.iterdir()} == recorded | {"lock.json"}


@pytest.mark.parametrize("package", LOCK, ids=lambda package: package["name"])
def test_the_recorded_files_are_those_of_the_package_in_the_registry(package: dict) -> None:
    try:
        tarball = httpx.get(package["tarball"], timeout=60, follow_redirects=True)
    except httpx.TransportError as error:
        pytest.skip(f"the registry of npm cannot be reached ({error}): only the recorded hashes were compared")
    if tarball.status_code == 429 or tarball.is_server_error:
        pytest.skip(f"the registry of npm answers {tarball.status_code}: only the recorded hashes were compared")
    tarball.raise_for_status()
    algorithm, _, expected = package["integrity"].partition("-")
    assert base64.b64encode(hashlib.new(algorithm, tarball.content).digest()).decode() == expected
    with tarfile.open(fileobj=io.BytesIO(tarball.content)) as archive:
        for file in package["files"]:
            member = archive.extractfile(f"package/{file['path']}")
            assert member is not None
            assert hashlib.sha256(member.read()).hexdigest() == file["sha256"], file["path"]


def test_no_file_of_the_page_names_another_host() -> None:
    own = [path for path in assets.FOLDER.rglob("*") if path.is_file() and VENDOR not in path.parents]
    assert len(own) > 10
    for path in own:
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", path.read_text()))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path.name


def test_what_the_page_is_made_of_goes_into_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "!plugins" in ignored
    assert not any("static" in line or "vendor" in line for line in ignored)

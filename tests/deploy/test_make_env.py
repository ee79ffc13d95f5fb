"""docker/make-env.sh: an .env with every secret made, and none that is there overwritten."""

import re
import shutil
import subprocess
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MINE = {"STRIPE_API_KEY", "STRIPE_ACCOUNT_ID"}


def values(path: Path) -> dict[str, str]:
    """Name -> value of each line that sets something."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", path.read_text(), re.MULTILINE))


def make(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", folder / "docker" / "make-env.sh"], capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout that has nothing but these two files."""
    (tmp_path / "docker").mkdir()
    shutil.copy(ROOT / "docker" / "make-env.sh", tmp_path / "docker")
    shutil.copy(ROOT / ".env.example", tmp_path)
    return tmp_path


def test_every_secret_is_made_but_those_of_stripe_and_all_else_is_as_in_the_example(folder: Path) -> None:
    assert make(folder).returncode == 0
    made, example = values(folder / ".env"), values(folder / ".env.example")
    assert list(made) == list(example)
    assert {name for name, value in made.items() if not value} == MINE
    secrets = [made[name] for name, value in example.items() if not value and name not in MINE]
    assert len(set(secrets)) == len(secrets) >= 8
    assert all(len(secret) >= 44 and not re.search(r"[\"\\$:/?#@]", secret) for secret in secrets)
    assert {name: made[name] for name, value in example.items() if value} == {n: v for n, v in example.items() if v}


def test_the_fernet_key_is_32_bytes_as_fernet_asks_for(folder: Path) -> None:
    make(folder)
    assert len(urlsafe_b64decode(values(folder / ".env")["AIRFLOW_FERNET_KEY"])) == 32


def test_nobody_else_may_read_it(folder: Path) -> None:
    make(folder)
    assert (folder / ".env").stat().st_mode & 0o077 == 0


def test_the_folder_that_compose_mounts_is_made_as_ones_own(folder: Path) -> None:
    make(folder)
    made = folder / values(folder / ".env")["ACQUISITION_FOLDER"]
    assert made.is_dir()
    # which a container reads as somebody else
    assert made.stat().st_mode & 0o777 == 0o755


def test_one_that_is_there_stays_and_what_it_lacks_is_named(folder: Path) -> None:
    (folder / ".env").write_text("WAREHOUSE_PASSWORD=mine\n")
    ended = make(folder)
    assert ended.returncode == 1
    assert (folder / ".env").read_text() == "WAREHOUSE_PASSWORD=mine\n"
    assert "REDIS_PASSWORD" in ended.stdout.split()
    assert "WAREHOUSE_PASSWORD" not in ended.stdout.split()

"""The Makefile: what its targets run, and what it says when something is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "make", "awk", "touch", "rm", "mkdir", "echo", "find", "env")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the Makefile, an empty requirements.txt, and a PATH without any Python."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        if found:
            (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def _make(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": str(project / "bin"), "HOME": str(project), **variables}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=project, env=env, capture_output=True, text=True
    )


def _installed(project: Path) -> None:
    """An environment that make takes for complete: its Python notes how it was called."""
    folder = project / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").write_text('#!/bin/sh\necho "python $*"\n')
    (folder / "python").chmod(0o755)
    (project / ".venv" / ".installed").touch()


def test_without_a_fit_python_or_uv_it_says_what_to_install(project: Path) -> None:
    result = _make(project, "demo")
    assert result.returncode != 0
    assert "Python 3.11, 3.12 or 3.13 is needed" in result.stdout
    assert not (project / ".venv").exists()


def test_a_python_that_is_too_old_is_passed_over(project: Path) -> None:
    old = project / "bin" / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    assert "is needed" in _make(project, "test").stdout


def test_without_uv_an_environment_is_made_with_venv_and_pip(project: Path) -> None:
    (project / "bin" / "python3").symlink_to(os.path.realpath(sys.executable))
    result = _make(project, ".venv/.installed")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "with pip" in result.stdout
    assert (project / ".venv" / "bin" / "python").exists()
    assert "is up to date" in _make(project, ".venv/.installed").stdout


@pytest.mark.parametrize(
    ("arguments", "called"),
    [
        (["demo"], "python -m demo"),
        (["demo", "ONCE=1"], "python -m demo --once"),
        (["demo", "ONCE=0"], "python -m demo"),
        (["down"], "python -m demo down"),
        (["psql"], "python -m demo psql"),
        (["psql", "ROLE=pii"], "python -m demo psql --role pii"),
    ],
)
def test_a_target_runs_its_command(project: Path, arguments: list[str], called: str) -> None:
    _installed(project)
    assert _make(project, *arguments).stdout.splitlines() == [called]


@pytest.mark.parametrize(("before", "after"), [(None, ""), ("", ""), ("/mine:/yours", ":/mine:/yours")])
def test_commands_find_the_library_beside_what_the_caller_has(project: Path, before: str | None, after: str) -> None:
    _installed(project)
    (project / ".venv" / "bin" / "python").write_text('#!/bin/sh\necho "$PYTHONPATH"\n')
    result = _make(project, "psql", **({} if before is None else {"PYTHONPATH": before}))
    assert result.stdout == f"{project}/plugins{after}\n"


def test_lint_runs_every_linter(project: Path) -> None:
    _installed(project)
    commands = [line for line in _make(project, "lint").stdout.splitlines() if line.startswith("python")]
    assert [command.split()[2] for command in commands] == ["ruff", "ruff", "mypy", "sqlfluff"]


def test_clean_stops_the_demo_and_removes_what_was_made(project: Path) -> None:
    _installed(project)
    (project / ".local").mkdir()
    (project / "demo" / "__pycache__").mkdir(parents=True)
    result = _make(project, "clean")
    assert "python -m demo down" in result.stdout
    assert sorted(path.name for path in project.iterdir()) == ["Makefile", "bin", "demo", "requirements.txt"]
    assert list((project / "demo").iterdir()) == []


def test_down_in_a_fresh_clone_has_nothing_to_do(project: Path) -> None:
    result = _make(project, "down")
    assert (result.returncode, result.stdout) == (0, "Nothing to stop: there is no .venv.\n")


def test_help_lists_every_target(project: Path) -> None:
    listed = {line.split()[1] for line in _make(project, "help").stdout.splitlines()}
    expected = {"help", "demo", "down", "psql", "env", "test", "lint", "bench", "docs", "requirements", "clean"}
    assert listed == expected

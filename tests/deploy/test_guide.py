"""docs/deploy.md: commands that exist, files that are there, variables that the compose file knows."""

import re
import shlex
from pathlib import Path

import pytest

from tests.deploy.conftest import AskAirflow

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "deploy.md").read_text()
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)).replace("\\\n", "")
COMMANDS = re.findall(r"^\s*airflow (.*)$", BLOCKS, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS, ids=[command.split(" --")[0] for command in COMMANDS])
def test_every_command_of_airflow_is_one_of_this_version(command: str, ask_airflow: AskAirflow) -> None:
    assert ask_airflow("command", shlex.split(command))


def test_connections_are_made_by_commands_and_named_as_the_code_looks_for_them() -> None:
    made = {shlex.split(command)[2] for command in COMMANDS if command.startswith("connections add")}
    assert made == {"warehouse", "warehouse_page", "stripe_default"}


@pytest.mark.parametrize("command", ["rotate-fernet-key", "db clean"])
def test_a_command_that_the_text_names_exists(command: str, ask_airflow: AskAirflow) -> None:
    assert f"`airflow {command}`" in GUIDE
    assert command.split()[0] in ask_airflow("help", None)


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"AIRFLOW__[A-Z_]+", GUIDE))))
def test_every_setting_is_one_of_this_version(variable: str, ask_airflow: AskAirflow) -> None:
    _, section, option = variable.lower().split("__")
    assert option in ask_airflow("options", section)


def test_every_variable_of_the_environment_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"`(AIRFLOW_[A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", GUIDE))
    assert named
    assert [name for name in named if f"\n{name}=" not in example] == []


@pytest.mark.parametrize("page", ["README.md", "docs/deploy.md", "docs/guide.md", "docs/metrics.md"])
def test_every_link_within_the_project_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"src=\"([^\"]+)\"", text)
    local = [link for link in links if not link.startswith("http")]
    assert local
    for link in local:
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}, link

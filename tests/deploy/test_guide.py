"""docs/deploy.md: commands that exist, files that are there, variables that the compose file knows."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.conftest import AskAirflow

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "deploy.md").read_text()
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)).replace("\\\n", "")
LINES = [line.strip() for line in BLOCKS.splitlines() if line.strip()]
# by itself, in a container of compose, in a pod
COMMANDS = re.findall(r"^(?:docker compose exec .*? |kubectl .* -- )?airflow (.*)$", "\n".join(LINES), re.MULTILINE)


def arguments(command: str) -> list[str]:
    """What a shell makes of a command's arguments; what it would run for them is run."""
    return shlex.split(
        re.sub(r"\$\(date [^)]*\)", lambda found: subprocess.getoutput(f"echo {found[0]}"), command)  # noqa: S605
    )


# users are made by the provider of the image's auth manager, which tests are without
TRIED = [command for command in COMMANDS if not command.startswith("users ")]


@pytest.mark.parametrize("command", TRIED, ids=[command.split(" --")[0] for command in TRIED])
def test_every_command_of_airflow_is_one_of_this_version(command: str, ask_airflow: AskAirflow) -> None:
    assert ask_airflow("command", arguments(command))


def test_commands_of_housekeeping_and_of_pods_are_among_those_that_are_tried() -> None:
    assert {" ".join(command.split()[:2]) for command in COMMANDS} == {"connections add", "db clean", "users create"}


def test_a_user_is_made_as_by_compose_with_a_password_that_is_asked_for() -> None:
    (command,) = [command for command in COMMANDS if command.startswith("users ")]
    script = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]["airflow-init"]["command"][0]
    by_compose = set(re.findall(r"--[a-z]+", script.partition("airflow users create")[2]))
    assert set(re.findall(r"--[a-z]+", command)) == by_compose - {"--password"}


def test_a_command_without_an_option_that_it_needs_is_none(ask_airflow: AskAirflow) -> None:
    (clean,) = [command for command in COMMANDS if command.startswith("db clean")]
    assert not ask_airflow("command", [each for each in arguments(clean) if "-before-" not in each and each[0] != "2"])


def test_what_is_deleted_is_below_the_volume_of_logs() -> None:
    (line,) = [line for line in LINES if " find " in line]
    place, *options = line.partition(" find ")[2].split()
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
    (service,) = [name for name in services if f" {name} find " in line]
    assert f"airflow-logs:{place}" in services[service]["volumes"]
    assert options == ["-type", "f", "-mtime", "+90", "-delete"]
    assert [text for text in re.findall(r"`[^`]*-delete`", GUIDE) if place not in text] == []


def test_what_is_made_in_kubernetes_is_made_in_the_namespace_that_was_made_before() -> None:
    lines = [line for line in LINES if re.match(r"kubectl |helm (?!repo )", line)]
    assert lines[0] == "kubectl create namespace tallyhouse"
    assert [line for line in lines[1:] if " --namespace tallyhouse " not in line] == []
    (install,) = [place for place, line in enumerate(lines) if line.startswith("helm install")]
    secrets = [place for place, line in enumerate(lines) if " create secret " in line]
    assert secrets
    assert max(secrets) < install
    assert not re.search(r"(kubectl|helm) (create|install)(?! namespace)", GUIDE.replace("helm install airflow", ""))


def test_connections_are_made_by_commands_and_named_as_the_code_looks_for_them() -> None:
    made = {shlex.split(command)[2] for command in COMMANDS if command.startswith("connections add")}
    assert made == {"warehouse", "warehouse_page", "stripe_default"}


@pytest.mark.parametrize("command", ["rotate-fernet-key"])
def test_a_command_that_the_text_names_exists(command: str, ask_airflow: AskAirflow) -> None:
    assert f"`airflow {command}`" in GUIDE
    assert command.split()[0] in ask_airflow("help", None)


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"AIRFLOW__[A-Z_]+", GUIDE))))
def test_every_setting_is_one_of_this_version(variable: str, ask_airflow: AskAirflow) -> None:
    _, section, option = variable.lower().split("__")
    assert option in ask_airflow("options", section)


def test_every_variable_of_the_environment_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"`((?:AIRFLOW|FORWARDED)_[A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", GUIDE))
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

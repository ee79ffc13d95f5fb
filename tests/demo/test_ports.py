"""Choice of a TCP port."""

import socket
from collections.abc import Iterator

import pytest

from demo.errors import DemoError
from demo.ports import first_free, is_free


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken


def test_a_port_that_somebody_listens_on_is_not_free(listener: socket.socket) -> None:
    assert not is_free(listener.getsockname()[1])


def test_a_port_taken_on_all_addresses_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104 (as another program may)
        taken.listen()
        assert not is_free(taken.getsockname()[1])


def test_the_wanted_port_is_chosen_when_it_is_free(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    assert first_free(port) == port


def test_a_taken_port_gets_a_later_one(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert port < first_free(port) <= port + 99


def test_no_free_port_names_the_range_and_what_to_set(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(DemoError, match=rf"{port} and {port}.*AIRFLOW_PORT"):
        first_free(port, tries=1)

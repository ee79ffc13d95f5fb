"""Which TCP port to listen on: the wanted one, or the next free one after it."""

import socket

from demo.errors import DemoError

LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on (host, port) now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port in TIME_WAIT counts as free, one that somebody listens on does not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    # Somebody who listens on all addresses does not stop us from binding to one of them on every system.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((host, port)) != 0


def first_free(wanted: int, *, host: str = LOOPBACK, tries: int = 100) -> int:
    """The first free port of `wanted`, `wanted` + 1, ...; DemoError after `tries` taken ones."""
    for port in range(wanted, min(wanted + tries, 65536)):
        if is_free(port, host):
            return port
    raise DemoError(
        f"No free TCP port on {host} between {wanted} and {wanted + tries - 1}. "
        "Stop what listens there, or choose another with AIRFLOW_PORT or SIMULATOR_PORT."
    )

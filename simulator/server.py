"""Running the application: in the foreground, or beside a test on a free port."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

_START_TIMEOUT = 10.0


def configure(app: FastAPI, host: str, port: int) -> uvicorn.Server:
    """A server that leaves the Date header to the application and logs nothing but what is fatal."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        timeout_keep_alive=60,
        ws="none",
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises OSError naming the address when it is taken."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}; choose another port") from None
    return bound


@contextmanager
def serve_in_thread(app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve while the block runs; yields the base URL. Raises TimeoutError when it does not start.

    Nobody waits for its end, which comes a moment after the block's.
    """
    bound = listen(host, port)
    server = configure(app, host, port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_TIMEOUT
    try:
        while not server.started:
            if time.monotonic() > deadline or not thread.is_alive():
                raise TimeoutError(f"the simulator did not start on {host} within {_START_TIMEOUT:g} s")
            time.sleep(0.005)
        yield f"http://{host}:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True

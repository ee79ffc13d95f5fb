"""The page's HTTP: a FastAPI app of routes that only read. Who may, and from where, comes in as parameters."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
from anyio import CapacityLimiter, to_thread
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from tallyhouse.revenue import assets
from tallyhouse.revenue.answers import Answer
from tallyhouse.revenue.charts import BY_NAME
from tallyhouse.revenue.document import read_answer, read_document
from tallyhouse.revenue.errors import PageError, UnknownChoiceError, explain
from tallyhouse.revenue.reading import Connect, reading
from tallyhouse.revenue.status import Runs, add_runs

# What a browser may load and do: from here alone. Styles in elements are how the chart library places its tooltips.
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; script-src 'self' '{assets.boot_hash()}'; connect-src 'self'; "
    "img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
MOST_READERS = 8
"""Requests that read the warehouse at once; others wait for one of them."""

_FOR_EVER = "private, max-age=31536000, immutable"


def create_app(
    connect: Connect,
    sql_root: Path,
    require_reader: Callable[..., Any],
    find_runs: Callable[..., Runs],
) -> FastAPI:
    """The app. `connect` opens a connection to the warehouse; PageError when there is none to open.

    `require_reader`: a dependency of FastAPI's that every route has; it refuses whoever may not read. `find_runs`: one
    that gives the runs of the DAGs that the user may see.
    """
    # No description of itself: its routes would be open to anybody.
    app = FastAPI(
        title="Tallyhouse revenue",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(require_reader)],
    )

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(_HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.exception_handler(PageError)
    def tell(request: Request, error: PageError) -> JSONResponse:
        return JSONResponse(error.as_json(), 400 if isinstance(error, UnknownChoiceError) else 503)

    @app.exception_handler(psycopg.Error)
    def tell_of_warehouse(request: Request, error: psycopg.Error) -> JSONResponse:
        return tell(request, explain(error))

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return assets.page()

    @app.get("/icon.svg")
    def icon() -> Response:
        return _file("icon.svg", "private, max-age=86400")

    @app.get("/assets/{version}/{path:path}")
    def asset(version: str, path: str) -> Response:
        return _file(path, _FOR_EVER if version == assets.version() else "no-store")

    # in threads of its own: a slow warehouse must not take those in which Airflow answers
    readers = CapacityLimiter(MOST_READERS)

    @app.get("/data")
    async def data(request: Request, runs: Runs = Depends(find_runs)) -> dict[str, Any]:  # noqa: B008
        def read() -> dict[str, Any]:
            with reading(connect) as connection:
                document = read_document(connection, sql_root, request.query_params)
            return document | {"status": add_runs(document["status"], runs)}

        return await to_thread.run_sync(read, limiter=readers)

    @app.get("/charts/{name}.csv")
    async def chart_as_csv(name: str, request: Request) -> Response:
        if name not in BY_NAME:
            raise HTTPException(404, f"There is no chart {name}; there is: {', '.join(BY_NAME)}.")

        def read() -> Answer | None:
            with reading(connect) as connection:
                return read_answer(connection, sql_root, BY_NAME[name], request.query_params)

        answer = await to_thread.run_sync(read, limiter=readers)
        if answer is None:
            raise PageError("Nothing is loaded yet.", "Run the DAGs stripe_backfill, warehouse and marts.")
        disposition = f'attachment; filename="{answer.file_name}"'
        # with the mark by which spreadsheets know UTF-8
        content = b"\xef\xbb\xbf" + answer.as_csv().encode()
        return Response(content, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition})

    return app


def _file(path: str, cache_control: str) -> Response:
    found = assets.assets().get(path)
    if found is None:
        raise HTTPException(404, f"The page has no file {path}.")
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": cache_control})

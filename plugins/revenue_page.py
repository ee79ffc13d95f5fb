"""Airflow plugin: the Revenue page in the navigation. Every Airflow process loads it, so it imports next to nothing."""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from typing import Any

from airflow.sdk.plugins_manager import AirflowPlugin

Message = MutableMapping[str, Any]


@cache
def _app() -> Any:
    from tallyhouse.revenue.airflow_app import make_app  # only the api-server needs all that

    return make_app()


class RevenueApp:
    """The page's ASGI app, made when it is asked for the first time."""

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Passes a request on."""
        await _app()(scope, receive, send)


class RevenuePage(AirflowPlugin):
    """Adds the page at /revenue, and its entry in the navigation."""

    name = "revenue_page"
    fastapi_apps = [{"name": "Revenue", "url_prefix": "/revenue", "app": RevenueApp()}]
    external_views = [
        {
            "name": "Revenue",
            "href": "revenue/",
            "url_route": "revenue",
            "destination": "nav",
            "nav_top_level": True,
            "icon": "revenue/icon.svg",
            "icon_dark_mode": "revenue/icon.svg",
        }
    ]

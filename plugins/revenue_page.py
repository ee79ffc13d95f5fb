"""Airflow plugin: the Revenue page, at /revenue and in the navigation."""

from functools import cached_property
from typing import Any, ClassVar

from airflow.sdk.plugins_manager import AirflowPlugin


class RevenuePage(AirflowPlugin):
    """Every process loads it, each task too; the app is made only where it is asked for: in the api-server."""

    name = "revenue_page"
    external_views: ClassVar[list[Any]] = [
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

    @cached_property
    def fastapi_apps(self) -> list[Any]:
        """The app that the api-server mounts."""
        from tallyhouse.revenue.airflow_app import make_app

        return [{"name": "Revenue", "url_prefix": "/revenue", "app": make_app()}]

"""Lists inside objects: Stripe shows so many of their members, and says whether there are more."""

from typing import Any

LINES_SHOWN = 10
ITEMS_SHOWN = 20


def nested_list(members: list[dict[str, Any]], shown: int, url: str) -> dict[str, Any]:
    """The first `shown` members; `url` lists all of them."""
    return {
        "object": "list",
        "data": members[:shown],
        "has_more": len(members) > shown,
        "total_count": len(members),
        "url": url,
    }

"""The raw layer as pandas frames, read with nothing of the warehouse's SQL."""

from collections.abc import Sequence

import pandas as pd
import psycopg

RAW = """
    select object_type, object_id, extract(epoch from created_at)::bigint, listing_order, payload #> '{data,object}',
        type like '%%.deleted'
    from raw.event
    where object_type = any(%(kinds)s)
    union all
    select object_type, object_id, extract(epoch from observed_at)::bigint, null, payload, false
    from raw.object
    where object_type = any(%(kinds)s)
"""


def read_versions(conninfo: str, kinds: Sequence[str]) -> pd.DataFrame:
    """Every version of every object of these kinds, oldest first: kind, id, at (Unix seconds), is_deletion, body."""
    with psycopg.connect(conninfo) as connection:
        found = connection.execute(RAW, {"kinds": list(kinds)}).fetchall()
    frame = pd.DataFrame(found, columns=["kind", "id", "at", "place", "body", "is_deletion"])
    # that something is gone says nothing else about it
    frame = frame[~frame["body"].map(lambda body: body.get("deleted", False))]
    # in one second an event is newer than what a list showed as it began, and a deletion newer than all
    frame["place"] = pd.to_numeric(frame["place"]).fillna(float("-inf"))
    return frame.sort_values(["is_deletion", "at", "place"], kind="stable")


def latest(versions: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The newest version of each object of a kind, its fields as columns."""
    bodies = versions[versions["kind"] == kind].groupby("id", sort=False)["body"].last()
    return pd.DataFrame(list(bodies)).set_index("id", drop=False)


def whole(versions: pd.DataFrame, kind: str, nested: str) -> pd.Series:
    """The first version of each object that shows all that is nested in it."""
    own = versions[versions["kind"] == kind]
    return own[~own["body"].map(lambda body: body[nested]["has_more"])].groupby("id", sort=False)["body"].first()

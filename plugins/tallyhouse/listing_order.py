"""Places events inside their second: an order that is given once, and that later events fit into."""

import logging
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

log = logging.getLogger(__name__)

# Between two events that were listed together: 32 times, one more fits between the same two neighbours.
SPACING = 2**32


def place(listed: Sequence[str], stored: Mapping[str, int], taken: Iterable[int]) -> dict[str, int]:
    """The orders (greater is newer) of the events of one second that are not stored yet, by id.

    `listed`: the ids of the whole second in Stripe's order, newest first; `stored`: the order of those of them
    that have one; `taken`: all orders that stored events of this second have, listed now or not.

    A stored order is never changed, since models remember it. A new event is placed between those that the
    listing shows beside it. What the listing says of stored events among themselves is not compared: should it
    contradict their orders, a new one is above all that the listing shows as older.
    """
    orders = sorted({*taken, *stored.values()})
    if not orders:
        return {event_id: -SPACING * index for index, event_id in enumerate(listed)}
    placed: dict[str, int] = {}
    floor: int | None = None
    # New events since the last stored one, oldest first.
    run: list[str] = []
    for event_id in reversed(listed):
        order = stored.get(event_id)
        if order is None:
            run.append(event_id)
        elif floor is None or order > floor:
            placed.update(zip(run, _between(floor, orders, len(run)), strict=True))
            run, floor = [], order
    placed.update(zip(run, _between(floor, orders, len(run)), strict=True))
    return placed


def _between(floor: int | None, orders: Sequence[int], count: int) -> Iterable[int]:
    """So many orders, ascending, above `floor` and below the next of the sorted `orders`; None: below all."""
    if floor is None:
        return range(orders[0] - SPACING * count, orders[0], SPACING)
    above = bisect_right(orders, floor)
    if above == len(orders):
        return range(floor + SPACING, floor + SPACING * (count + 1), SPACING)
    room = orders[above] - floor
    if room <= count:
        log.warning(
            "no room for %d event(s) between the orders %d and %d of one second: some share the lower one's order",
            count,
            floor,
            orders[above],
        )
    return (floor + room * number // (count + 1) for number in range(1, count + 1))

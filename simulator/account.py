"""One account of the server: a company behind a key, in test or live mode, with the accounts connected to it."""

from simulator.company import Company
from simulator.events import EventStore
from simulator.limits import RateLimiter, default_global_rate
from simulator.objects import ObjectStore
from simulator.periods import DAY, add_months
from simulator.relations import Relations
from simulator.shapes import Shape, Versions
from simulator.shapes.altered import AlteredShape, in_live_mode
from simulator.shapes.endive import EndiveShape
from simulator.shapes.v2024_06_20 import VERSION, Lowering

DEFAULT_KEY = "sk_test_tallyhouse"
_LIVE = ("sk_live_", "rk_live_")
_UPGRADED_BEFORE_END = 15 * DAY


class Account:
    """`upgraded_at` (Unix seconds) is when it moved from 2024-06-20 to the newest API version.

    Without it: 15 days before the end of the company's first `months`, so that the events which a server of that
    age lists are in both shapes. `rate_limit` is requests a second for each endpoint, `global_rate_limit` for all
    together (default: as Stripe's, which is as many in test mode and four times as many in live mode); 0 for none.
    """

    def __init__(
        self,
        company: Company,
        key: str = DEFAULT_KEY,
        rate_limit: float = 0,
        global_rate_limit: float | None = None,
        upgraded_at: float | None = None,
    ) -> None:
        self.company = company
        self.id = company.account_id
        self.key = key
        self.is_live = key.startswith(_LIVE)
        if global_rate_limit is None:
            global_rate_limit = default_global_rate(rate_limit, self.is_live)
        self.limiter = RateLimiter(rate_limit, global_rate_limit)
        self.relations = Relations(company.objects)
        newest: Shape = EndiveShape(company.catalog, company.account_id)
        if self.is_live:
            newest = AlteredShape(newest, newest.version, in_live_mode)
        older = AlteredShape(newest, VERSION, Lowering(newest, self.relations).lower)
        if upgraded_at is None:
            upgraded_at = add_months(company.founded, company.months) - _UPGRADED_BEFORE_END
        self.versions = Versions(older, newest, upgraded_at)
        self.events = EventStore(company, self.versions, self.is_live)
        self.objects = ObjectStore(company, self.relations)
        self.connected: dict[str, Account] = {}

    def connect(self, account: "Account") -> None:
        """Make it a platform that `account` is connected to: it may read it, and is told of its events."""
        self.connected[account.id] = account
        self.events.forward(account.events, account.id, len(self.connected))

    def ensure(self, now: float) -> None:
        """Make sure that everything up to `now` has been lived, here and in connected accounts."""
        self.company.ensure(now)
        for account in self.connected.values():
            account.company.ensure(now)

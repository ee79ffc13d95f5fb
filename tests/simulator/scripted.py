"""A company whose few customers do what a test writes down, for books computed by hand."""

from collections.abc import Callable

from simulator.agreement import Agreement, Choice
from simulator.billing import Billing
from simulator.catalog import Catalog
from simulator.changes import Changes
from simulator.clock import parse_instant
from simulator.company import Company
from simulator.contact import Contact, plain_address
from simulator.ids import IdSource
from simulator.ledger import History, Ledger
from simulator.payments import Payments
from simulator.people import Person, new_card, new_customer
from simulator.timeline import Timeline


def at(text: str) -> int:
    return int(parse_instant(text))


class Scripted:
    """One customer. Attempts fail at the (month-day) texts in `declined`; all others succeed."""

    def __init__(self, index: int, currency: str, catalog: Catalog, declined: tuple[str, ...] = ()) -> None:
        self.ledger = Ledger(index, IdSource(1, f"script {index}"))
        self.timeline = Timeline(self.ledger)
        self.catalog = catalog
        self.currency = currency
        self.payments = Payments(self.ledger, f"user_{index}")
        self.billing = Billing(self.ledger, self.timeline, catalog, self.payments, self)
        self.changes = Changes(self.billing)
        self.charges: list[History] = []
        self.billing.on_paid = lambda _, agreement, charge: self.charges.append(charge)
        self._declined = [at(text) for text in declined]

    def failure(self, when: int, attempt: int) -> str | None:
        return "insufficient_funds" if any(0 <= when - day < 86_400 for day in self._declined) else None

    def seconds(self, low: int, high: int) -> int:
        return low

    def risk_score(self) -> int:
        return 10

    def is_left_unpaid(self) -> bool:
        return False

    def usage(self, at: int) -> int:
        return 1001

    def do(self, when: str, action: Callable[[int], object]) -> None:
        def run(moment: int) -> None:
            action(moment)

        self.timeline.schedule(at(when), run)

    def join(self, when: int, has_card: bool = True) -> None:
        person = Person("A B", "a.b@example.com", self.currency, "user_1", Contact(plain_address("US", "12345")))
        self.payments.create_customer(when, new_customer(person, self.ledger.ids, when), self.ledger.request())
        if has_card:
            self.add_card(when)

    def add_card(self, when: int) -> None:
        card = new_card(_FixedChoice(), self.payments.customer_history.state, self.ledger.ids, when, 2026)
        self.payments.attach_card(when, card, self.ledger.request())

    def price(self, offer: str, interval: str | None, when: int) -> str:
        return self.catalog.price_for(offer, self.currency, interval, when).id

    def subscribe(self, when: int, offer: str, interval: str, trial_days: int = 0) -> Agreement:
        self.join(when)
        choice = Choice(self.price(offer, interval, when), 1)
        return self.billing.subscribe(when, [choice], self.ledger.request(), trial_days)


class _FixedChoice:
    """Stands in for a random source where the choice does not matter."""

    def choice(self, options):
        return options[0]

    def choices(self, options, weights):
        return [options[0]]

    def randrange(self, *bounds: int) -> int:
        return bounds[0]

    def getrandbits(self, bits: int) -> int:
        return 0


def downgrader(index: int, catalog: Catalog) -> Scripted:
    """Pro from 10 January, starter from 27 January 00:00, with 14 of 31 days left.

    On 10 February: 2,900 for starter, less 4,471 for pro's rest, plus 1,310 for starter's: -261, carried to
    the invoice of 10 March, of which 2,639 are left to pay.
    """
    script = Scripted(index, "usd", catalog)

    def start(when: int) -> None:
        agreement = script.subscribe(when, "pro", "month")
        script.do(
            "2026-01-27T00:00:00Z",
            lambda at: script.changes.change_item(at, agreement, 0, Choice(script.price("starter", "month", at), 1)),
        )

    script.do("2026-01-10T00:00:00Z", start)
    return script


def scripted_company(founded: str, *makers: Callable[[int, Catalog], Scripted]) -> Company:
    """A company of exactly these customers: whoever would join after them never does anything."""

    def newcomer(index: int, joined_at: int, catalog: Catalog) -> Scripted:
        maker = makers[index - 1] if index <= len(makers) else lambda i, c: Scripted(i, "usd", c)
        return maker(index, catalog)

    return Company(1, at(founded), customers=200, months=1, newcomer=newcomer)

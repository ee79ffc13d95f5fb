"""Invoices: drafted, finalized, paid or retried. The rules of subscriptions are in `billing`."""

from collections.abc import Callable, Sequence
from typing import Protocol

from simulator.credit import Credit
from simulator.ledger import AUTOMATIC, History, Ledger, Request
from simulator.payments import Payments
from simulator.periods import DAY, HOUR
from simulator.reductions import Reduction, settle_lines
from simulator.states import Invoice, InvoicePayment, Line, Subscription
from simulator.terms import Pause, TaxRate

RETRY_AFTER = (3 * DAY, 5 * DAY, 7 * DAY)  # after the first failure
_SMALLEST_CHARGE = 50  # Stripe moves smaller amounts due to the customer's balance


class Decisions(Protocol):
    """What chance, or a test's script, decides."""

    def failure(self, at: int, attempt: int) -> str | None:
        """Why the attempt, 1 or higher, fails (a key of payments.FAILURES); None when it succeeds."""

    def seconds(self, low: int, high: int) -> int:
        """How long a step takes."""

    def risk_score(self) -> int:
        """Radar's score of a charge, 0 to 99."""

    def is_left_unpaid(self) -> bool:
        """After the last retry: leave the subscription unpaid for a while instead of canceling it."""

    def usage(self, at: int) -> int:
        """How much was used of something metered in the period that ends."""


class InvoiceRun:
    """An invoice on its way to being paid."""

    __slots__ = ("first_failed_at", "intent", "invoice", "on_failed", "on_given_up", "on_settled", "payment")

    def __init__(
        self,
        invoice: History,
        on_settled: Callable[[int, "InvoiceRun", History | None], None],
        on_failed: Callable[[int, "InvoiceRun"], None],
    ) -> None:
        self.invoice = invoice
        self.intent: History | None = None
        self.payment: History | None = None
        self.first_failed_at: int | None = None
        self.on_settled = on_settled
        self.on_failed = on_failed


class Invoicing:
    """The invoices of one customer."""

    def __init__(self, ledger: Ledger, payments: Payments, decisions: Decisions) -> None:
        self.ledger = ledger
        self.payments = payments
        self.decisions = decisions
        self.credit = Credit(ledger, payments)
        self.last_paid: tuple[History, History] | None = None  # an invoice, and the charge that paid it
        self._number = 0

    def draft(
        self,
        at: int,
        invoice_id: str,
        subscription: Subscription,
        reason: str,
        lines: list[Line],
        several: Sequence[Reduction],
        tax_rates: Sequence[TaxRate],
        period: tuple[int, int],
        finalizes_at: int | None,
        request: Request = AUTOMATIC,
    ) -> History:
        """A new invoice; it can change until it is finalized at `finalizes_at` (None: by the caller, now)."""
        customer = self.payments.customer_history.state
        currency = subscription.currency
        settled = settle_lines(lines, several, tax_rates, currency)
        total = sum(line.net + line.tax_on_top for line in settled)
        due, _ = _due(total, customer.balance)
        own = {discount for line in settled for discount in line.own_discounts}
        invoice = Invoice(
            id=invoice_id,
            created=at,
            customer=customer.id,
            customer_email=customer.email,
            customer_name=customer.name,
            customer_phone=customer.contact.phone,
            customer_address=customer.contact.address,
            customer_shipping=customer.contact.shipping,
            subscription=subscription.id,
            billing_reason=reason,
            currency=currency,
            status="draft",
            lines=settled,
            total=total,
            amount_due=due,
            amount_paid=0,
            attempt_count=0,
            attempted=False,
            auto_advance=True,
            next_payment_attempt=finalizes_at,
            automatically_finalizes_at=finalizes_at,
            number=None,
            period_start=period[0],
            period_end=period[1],
            starting_balance=customer.balance,
            ending_balance=None,
            finalized_at=None,
            paid_at=None,
            voided_at=None,
            marked_uncollectible_at=None,
            discounts=tuple(dict.fromkeys(each.discount for each in several if each.discount not in own)),
            tax_rates=subscription.tax_rates,
            test_clock=customer.test_clock,
        )
        return self.ledger.create("invoice", invoice, at, "invoice.created", request)

    def finalize(self, at: int, run: InvoiceRun, request: Request = AUTOMATIC) -> None:
        """Give the invoice its number; open a payment for what is due, or settle it at once if nothing is."""
        state: Invoice = run.invoice.state
        customer = self.payments.customer_history.state
        due, ending = _due(state.total, customer.balance)
        self._number += 1
        is_settled = due == 0
        self.ledger.update(
            run.invoice,
            at,
            "invoice.updated",
            request,
            status="paid" if is_settled else "open",
            number=self._numbered(),
            amount_due=due,
            starting_balance=customer.balance,
            ending_balance=ending,
            finalized_at=at,
            paid_at=at if is_settled else None,
            attempted=is_settled,
            auto_advance=not is_settled,
            automatically_finalizes_at=None,
            next_payment_attempt=None,
        )
        self.ledger.emit("invoice.finalized", run.invoice, at, request)
        is_too_small = 0 < state.total + customer.balance < _SMALLEST_CHARGE
        kind = "invoice_too_small" if is_too_small else "applied_to_invoice"
        self.credit.move(at, ending - customer.balance, kind, request, state.id)
        if is_settled:
            self.ledger.emit("invoice.paid", run.invoice, at, request)
            self.ledger.emit("invoice.payment_succeeded", run.invoice, at, request)
            run.on_settled(at, run, None)
            return
        description = _DESCRIPTIONS[state.billing_reason]
        run.intent = self.payments.open_intent(at, due, state.currency, description, request)
        payment = InvoicePayment(
            id=self.ledger.ids.long("inpay"),
            created=at,
            invoice=state.id,
            payment_intent=run.intent.id,
            amount_requested=due,
            amount_paid=None,
            currency=state.currency,
            status="open",
            paid_at=None,
            canceled_at=None,
        )
        run.payment = self.ledger.create("invoice_payment", payment, at)

    def attempt(self, at: int, run: InvoiceRun, request: Request = AUTOMATIC) -> None:
        """Try to collect what is due; calls `on_settled` or `on_failed`."""
        if run.intent is None or run.payment is None:
            raise LookupError(f"invoice {run.invoice.id} has nothing to collect: finalize it first")
        state: Invoice = run.invoice.state
        attempt = state.attempt_count + 1
        failure = self.decisions.failure(at, attempt)
        charge = self.payments.charge(at, run.intent, failure, self.decisions.risk_score(), request)
        if failure is None:
            self.ledger.update(
                run.invoice,
                at,
                "invoice.updated",
                request,
                status="paid",
                amount_paid=state.amount_due,
                attempt_count=attempt,
                attempted=True,
                auto_advance=False,
                next_payment_attempt=None,
                paid_at=at,
            )
            self.ledger.emit("invoice.paid", run.invoice, at, request)
            self.ledger.emit("invoice.payment_succeeded", run.invoice, at, request)
            self.ledger.update(run.payment, at, status="paid", amount_paid=state.amount_due, paid_at=at)
            self.ledger.emit("invoice_payment.paid", run.payment, at, request)
            self.last_paid = (run.invoice, charge)
            run.on_settled(at, run, charge)
            return
        if run.first_failed_at is None:
            run.first_failed_at = at
        self.ledger.update(
            run.invoice,
            at,
            "invoice.updated",
            request,
            attempt_count=attempt,
            attempted=True,
            next_payment_attempt=self.next_attempt_at(run, attempt),
        )
        self.ledger.emit("invoice.payment_failed", run.invoice, at, request)
        run.on_failed(at, run)

    def next_attempt_at(self, run: InvoiceRun, attempts: int) -> int | None:
        """When the next automatic attempt is due; None after the last, and on first invoices."""
        if run.invoice.state.billing_reason == "subscription_create" or attempts > len(RETRY_AFTER):
            return None
        return (run.first_failed_at or 0) + RETRY_AFTER[attempts - 1]

    def set_aside(self, at: int, run: InvoiceRun, pause: Pause) -> None:
        """What becomes of a draft while collection is paused: it stays one, or is given up unpaid."""
        if pause.behavior == "keep_as_draft":
            self.ledger.update(
                run.invoice, at, "invoice.updated", auto_advance=False, automatically_finalizes_at=None,
                next_payment_attempt=None,
            )  # fmt: skip
            return
        balance = self.payments.customer_history.state.balance
        self._number += 1
        self.ledger.update(
            run.invoice, at, "invoice.updated", status="open", number=self._numbered(), finalized_at=at,
            amount_due=max(0, run.invoice.state.total), starting_balance=balance, ending_balance=balance,
            automatically_finalizes_at=None, next_payment_attempt=None,
        )  # fmt: skip
        self.ledger.emit("invoice.finalized", run.invoice, at)
        if pause.behavior == "void":
            self.void(at, run)
        else:
            self.mark_uncollectible(at, run)

    def forgive(self, at: int, run: InvoiceRun) -> None:
        """Credit all that is due of an open invoice: it counts as paid, and nothing is collected."""
        request = self.ledger.request()
        credited = self.credit.before_payment(at, run.invoice, request)
        self.ledger.update(
            run.invoice, at, "invoice.updated", request, status="paid", amount_due=0, paid_at=at,
            credited_before_payment=credited, auto_advance=False, next_payment_attempt=None,
        )  # fmt: skip
        self.ledger.emit("invoice.paid", run.invoice, at, request)
        self._cancel_payment(at, run)
        run.on_settled(at, run, None)

    def void(self, at: int, run: InvoiceRun) -> None:
        """Give the invoice up for good, and its payment with it; what it used of the balance is given back."""
        self.ledger.update(
            run.invoice, at, "invoice.updated", status="void", voided_at=at, auto_advance=False,
            next_payment_attempt=None,
        )  # fmt: skip
        self.ledger.emit("invoice.voided", run.invoice, at)
        state: Invoice = run.invoice.state
        unapplied = state.starting_balance - (state.ending_balance or 0)
        self.credit.move(at, unapplied, "unapplied_from_invoice", invoice=state.id)
        self._cancel_payment(at, run)

    def mark_uncollectible(self, at: int, run: InvoiceRun) -> None:
        """Stop trying; what is due stays due on paper."""
        self.ledger.update(
            run.invoice, at, "invoice.updated", status="uncollectible", marked_uncollectible_at=at,
            auto_advance=False, next_payment_attempt=None,
        )  # fmt: skip
        self.ledger.emit("invoice.marked_uncollectible", run.invoice, at)

    def _numbered(self) -> str:
        return f"{self.payments.customer_history.state.invoice_prefix}-{self._number:04d}"

    def _cancel_payment(self, at: int, run: InvoiceRun) -> None:
        if run.intent is not None and run.payment is not None:
            self.payments.cancel_intent(at, run.intent)
            self.ledger.update(run.payment, at, status="canceled", canceled_at=at)


_DESCRIPTIONS = {
    "subscription_create": "Subscription creation",
    "subscription_cycle": "Subscription update",
    "subscription_update": "Subscription update",
}

FINALIZE_AFTER = HOUR


def _due(total: int, balance: int) -> tuple[int, int]:
    """(amount due, balance after): a credit balance pays first, and tiny amounts are carried over."""
    due = total + balance
    if due < _SMALLEST_CHARGE:
        return 0, due
    return due, 0

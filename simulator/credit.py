"""What a customer is owed: the balance that invoices use, each change of it, and credit notes."""

from simulator.ledger import AUTOMATIC, History, Ledger, Request
from simulator.payments import Payments
from simulator.states import Invoice, Line
from simulator.terms import CreditLine, CreditNote, CustomerBalanceTransaction


class Credit:
    """The balance and credit notes of one customer."""

    def __init__(self, ledger: Ledger, payments: Payments) -> None:
        self.ledger = ledger
        self.payments = payments
        self._notes: dict[str, int] = {}  # by invoice

    def move(
        self,
        at: int,
        amount: int,
        kind: str,
        request: Request = AUTOMATIC,
        invoice: str | None = None,
        credit_note: str | None = None,
        description: str | None = None,
    ) -> str | None:
        """Change the balance by `amount` (negative: credit) and say why; the transaction's id, if there was one."""
        if amount == 0:
            return None
        customer = self.payments.customer_history.state
        ending = customer.balance + amount
        transaction = CustomerBalanceTransaction(
            id=self.ledger.ids.long("cbtxn"),
            created=at,
            customer=customer.id,
            currency=customer.currency,
            amount=amount,
            ending_balance=ending,
            type=kind,
            invoice=invoice,
            credit_note=credit_note,
            description=description,
        )
        self.ledger.create("customer_balance_transaction", transaction, at)
        self.payments.update_customer(at, request, balance=ending)
        return transaction.id

    def refund(self, at: int, invoice: History, charge: History, line: Line | None, amount: int) -> None:
        """Credit a paid invoice and give the money back; a `line` stands for `amount` where it is taken back whole."""
        refund = self.payments.refund(at, charge, amount, "succeeded", None)
        self._issue(at, invoice, line, amount, self.ledger.request(), refund=refund.id)

    def to_balance(self, at: int, invoice: History, line: Line | None, amount: int) -> None:
        """Credit a paid invoice to the customer's balance, for the next ones."""
        request = self.ledger.request()
        note_id = self.ledger.ids.long("cn")
        moved = self.move(at, -amount, "credit_note", request, invoice.id, note_id)
        self._issue(at, invoice, line, amount, request, balance_transaction=moved, note_id=note_id)

    def before_payment(self, at: int, invoice: History, request: Request) -> int:
        """Credit all that is still due of an open invoice; the amount. What follows is up to the caller."""
        state: Invoice = invoice.state
        amount = state.amount_due - state.amount_paid
        self._issue(at, invoice, None, amount, request, is_before_payment=True)
        return amount

    def _issue(
        self,
        at: int,
        invoice: History,
        line: Line | None,
        amount: int,
        request: Request,
        is_before_payment: bool = False,
        refund: str | None = None,
        balance_transaction: str | None = None,
        note_id: str | None = None,
    ) -> None:
        state: Invoice = invoice.state
        ids = self.ledger.ids
        number = self._notes[invoice.id] = self._notes.get(invoice.id, 0) + 1
        note = CreditNote(
            id=note_id or ids.long("cn"),
            created=at,
            customer=state.customer,
            invoice=state.id,
            currency=state.currency,
            number=f"{state.number}-CN-{number:02d}",
            line=CreditLine(
                id=ids.long("cnli"),
                amount=amount if line is None else line.amount,
                description="Goodwill" if line is None else line.description,
                invoice_line=line and line.id,
                quantity=1 if line is None else line.quantity,
                discounts=() if line is None else line.discounts,
                taxes=() if line is None else line.taxes,
            ),
            total=amount,
            is_before_payment=is_before_payment,
            refund=refund,
            balance_transaction=balance_transaction,
            reason="order_change" if refund is not None else None,
        )
        self.ledger.create("credit_note", note, at, "credit_note.created", request)
        if not is_before_payment:
            credited = state.credited_after_payment + amount
            self.ledger.update(invoice, at, "invoice.updated", request, credited_after_payment=credited)

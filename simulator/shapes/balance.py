"""Balance transactions, payouts and transfers as JSON."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from simulator.money_states import BalanceTransaction, Payout, Transfer

_FAILURE_MESSAGES = {
    "account_closed": "The bank account has been closed.",
    "could_not_process": "The bank could not process this payout.",
    "no_account": "The bank account details on file are probably incorrect. No bank account could be located with "
    "those details.",
}


def render_balance_transaction(state: BalanceTransaction, at: float) -> dict[str, Any]:
    """Pending until the day on which it becomes available; which payout took it is not told."""
    return {
        "id": state.id,
        "object": "balance_transaction",
        "amount": state.amount,
        "available_on": state.available_on,
        "balance_type": "payments",
        "created": state.created,
        "currency": state.currency,
        "description": state.description,
        "exchange_rate": float(state.exchange_rate) if state.exchange_rate is not None else None,
        "fee": state.fee,
        "fee_details": [
            {
                "amount": fee.amount,
                "application": None,
                "currency": state.currency,
                "description": fee.description,
                "type": "stripe_fee",
            }
            for fee in state.fees
        ],
        "net": state.net,
        "reporting_category": state.reporting_category,
        "source": state.source,
        "status": "available" if at >= state.available_on else "pending",
        "type": state.type,
    }


def render_balance(transactions: Iterable[BalanceTransaction], at: float) -> dict[str, Any]:
    """The balance that all transactions until `at` leave, by currency: `available` to be paid out, or `pending`."""
    parts: dict[str, dict[str, int]] = {"available": defaultdict(int), "pending": defaultdict(int)}
    for state in transactions:
        parts["available" if at >= state.available_on else "pending"][state.currency] += state.net
    currencies = sorted(parts["available"].keys() | parts["pending"].keys())
    balance: dict[str, Any] = {"object": "balance", "livemode": False}
    for name, amounts in parts.items():
        balance[name] = [
            {"amount": amounts[currency], "currency": currency, "source_types": {"card": amounts[currency]}}
            for currency in currencies
        ]
    return balance


def render_payout(state: Payout, at: float) -> dict[str, Any]:
    """An automatic payout to the company's bank account."""
    has_trace = state.status == "paid" or state.failure_code is not None
    return {
        "id": state.id,
        "object": "payout",
        "amount": state.amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": state.arrival_date,
        "automatic": True,
        "balance_transaction": state.balance_transaction,
        "created": state.created,
        "currency": state.currency,
        "description": "STRIPE PAYOUT",
        "destination": state.destination,
        "failure_balance_transaction": state.failure_balance_transaction,
        "failure_code": state.failure_code,
        "failure_message": _FAILURE_MESSAGES[state.failure_code] if state.failure_code is not None else None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed" if state.is_reconciled else "in_progress",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": state.status,
        "trace_id": {
            "status": "supported" if has_trace else "pending",
            "value": state.trace if has_trace else None,
        },
        "type": "bank_account",
    }


def render_transfer(state: Transfer, at: float) -> dict[str, Any]:
    """A transfer with its reversals."""
    reversed_amount = sum(amount for _, _, amount, _ in state.reversals)
    return {
        "id": state.id,
        "object": "transfer",
        "amount": state.amount,
        "amount_reversed": reversed_amount,
        "balance_transaction": state.balance_transaction,
        "created": state.created,
        "currency": state.currency,
        "description": state.description,
        "destination": state.destination,
        "destination_payment": state.destination_payment,
        "livemode": False,
        "metadata": {},
        "reversals": {
            "object": "list",
            "data": [
                {
                    "id": reversal_id,
                    "object": "transfer_reversal",
                    "amount": amount,
                    "balance_transaction": transaction,
                    "created": created,
                    "currency": state.currency,
                    "destination_payment_refund": None,
                    "metadata": {},
                    "source_refund": None,
                    "transfer": state.id,
                }
                for reversal_id, created, amount, transaction in state.reversals
            ],
            "has_more": False,
            "total_count": len(state.reversals),
            "url": f"/v1/transfers/{state.id}/reversals",
        },
        "reversed": reversed_amount == state.amount,
        "source_transaction": None,
        "source_type": "card",
        "transfer_group": state.transfer_group,
    }

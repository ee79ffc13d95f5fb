"""Payment intents, charges, refunds and invoice payments as JSON."""

from typing import Any

from simulator.payments import FAILURES
from simulator.shapes.people import CARD_CHECKS, billing_details
from simulator.states import Charge, InvoicePayment, PaymentIntent, Refund

_CARD_OPTIONS = {
    "card": {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
    }
}


def card_error(key: str, charge: str | None) -> dict[str, Any]:
    """The last error of an intent whose card was declined; `key` is one of FAILURES."""
    failure = FAILURES[key]
    return {
        "charge": charge,
        "code": failure.code,
        "decline_code": failure.decline_code,
        "doc_url": f"https://stripe.com/docs/error-codes/{failure.code.replace('_', '-')}",
        "message": failure.message,
        "type": "card_error",
    }


def render_intent(state: PaymentIntent, at: float) -> dict[str, Any]:
    """A payment intent; after a decline with its last error and without a payment method."""
    error = card_error(state.failure, state.latest_charge) if state.failure is not None else None
    return {
        "id": state.id,
        "object": "payment_intent",
        "amount": state.amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": state.amount_received,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": state.canceled_at,
        "cancellation_reason": "void_invoice" if state.canceled_at else None,
        "capture_method": "automatic",
        "client_secret": f"{state.id}_secret_redacted",
        "confirmation_method": "automatic",
        "created": state.created,
        "currency": state.currency,
        "customer": state.customer,
        "customer_account": None,
        "description": state.description,
        "excluded_payment_method_types": None,
        "last_payment_error": error,
        "latest_charge": state.latest_charge,
        "livemode": False,
        "metadata": state.metadata,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": state.payment_method if state.failure is None else None,
        "payment_method_configuration_details": None,
        "payment_method_options": _CARD_OPTIONS,
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": state.receipt_email,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": state.statement_descriptor,
        "statement_descriptor_suffix": None,
        "status": state.status,
        "transfer_data": None,
        "transfer_group": None,
    }


def _outcome(state: Charge) -> dict[str, Any]:
    if state.failure is None:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": state.risk_score,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    failure = FAILURES[state.failure]
    return {
        "advice_code": "try_again_later",
        "network_advice_code": None,
        "network_decline_code": "05",
        "network_status": "declined_by_network",
        "reason": failure.decline_code or failure.code,
        "risk_level": "normal",
        "risk_score": state.risk_score,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def render_charge(state: Charge, at: float) -> dict[str, Any]:
    """A charge, with the card as it was when charged."""
    card = state.card
    failure = FAILURES[state.failure] if state.failure is not None else None
    return {
        "id": state.id,
        "object": "charge",
        "amount": state.amount,
        "amount_captured": state.amount if state.is_paid else 0,
        "amount_refunded": state.amount_refunded,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": state.balance_transaction,
        "billing_details": billing_details(card),
        "calculated_statement_descriptor": "NEVER EXISTED INC",
        "captured": state.is_paid,
        "created": state.created,
        "currency": state.currency,
        "customer": state.customer,
        "description": state.description,
        "destination": None,
        "dispute": state.dispute,
        "disputed": state.dispute is not None,
        "failure_balance_transaction": None,
        "failure_code": failure.code if failure else None,
        "failure_message": failure.message if failure else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": state.metadata,
        "on_behalf_of": None,
        "order": None,
        "outcome": _outcome(state),
        "paid": state.is_paid,
        "payment_intent": state.payment_intent,
        "payment_method": card.id,
        "payment_method_details": {
            "card": {
                "amount_authorized": state.amount if state.is_paid else None,
                "authorization_code": state.authorization_code if state.is_paid else None,
                "brand": card.brand,
                "checks": CARD_CHECKS,
                "country": card.address.country,
                "exp_month": card.exp_month,
                "exp_year": card.exp_year,
                "extended_authorization": {"status": "disabled"},
                "fingerprint": card.fingerprint,
                "funding": card.funding,
                "incremental_authorization": {"status": "unavailable"},
                "installments": None,
                "last4": card.last4,
                "mandate": None,
                "multicapture": {"status": "unavailable"},
                "network": card.brand,
                "network_token": {"used": False},
                "network_transaction_id": None,
                "overcapture": {"maximum_amount_capturable": state.amount, "status": "unavailable"},
                "regulated_status": "unregulated",
                "three_d_secure": None,
                "wallet": None,
            },
            "type": "card",
        },
        "radar_options": {},
        "receipt_email": state.receipt_email,
        "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{state.id}" if state.is_paid else None,
        "refunded": state.is_paid and state.amount_refunded == state.amount,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded" if state.is_paid else "failed",
        "transfer_data": None,
        "transfer_group": None,
    }


def render_refund(state: Refund, at: float) -> dict[str, Any]:
    """A refund; only a failed one has the two keys about its failure."""
    shape: dict[str, Any] = {
        "id": state.id,
        "object": "refund",
        "amount": state.amount,
        "balance_transaction": state.balance_transaction,
        "charge": state.charge,
        "created": state.created,
        "currency": state.currency,
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": {},
        "payment_intent": state.payment_intent,
        "reason": state.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": state.status,
        "transfer_reversal": None,
    }
    if state.status == "failed":
        shape["failure_reason"] = state.failure_reason
        shape["failure_balance_transaction"] = state.failure_balance_transaction
    return shape


def render_invoice_payment(state: InvoicePayment, at: float) -> dict[str, Any]:
    """The link between an invoice and its payment intent."""
    return {
        "id": state.id,
        "object": "invoice_payment",
        "amount_paid": state.amount_paid,
        "amount_requested": state.amount_requested,
        "created": state.created,
        "currency": state.currency,
        "invoice": state.invoice,
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": state.payment_intent, "type": "payment_intent"},
        "status": state.status,
        "status_transitions": {"canceled_at": state.canceled_at, "paid_at": state.paid_at},
    }

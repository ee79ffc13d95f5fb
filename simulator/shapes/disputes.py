"""Disputes as JSON."""

from typing import Any

from simulator.money_states import Dispute
from simulator.shapes.balance import render_balance_transaction

_EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
_NETWORK_CODES = {
    "fraudulent": "10.4",
    "subscription_canceled": "13.2",
    "product_not_received": "13.1",
    "duplicate": "12.6.1",
    "unrecognized": "10.4",
    "general": "13.3",
}


def render_dispute(state: Dispute, at: float) -> dict[str, Any]:
    """A dispute, with the balance transactions that it made embedded whole."""
    evidence: dict[str, Any] = dict.fromkeys(_EVIDENCE)
    evidence["billing_address"] = state.billing_address
    evidence["customer_email_address"] = state.customer_email
    evidence["customer_name"] = state.customer_name
    evidence["enhanced_evidence"] = {}
    if state.has_evidence:
        evidence["product_description"] = "Software as a service, used through the web"
        evidence["uncategorized_text"] = "The customer signed in on the day of the payment."
    is_open = state.status.endswith("needs_response")
    return {
        "id": state.id,
        "object": "dispute",
        "amount": state.amount,
        "balance_transaction": state.balance_transactions[0].id if state.balance_transactions else None,
        "balance_transactions": [render_balance_transaction(part, at) for part in state.balance_transactions],
        "charge": state.charge,
        "created": state.created,
        "currency": state.currency,
        "enhanced_eligibility_types": [],
        "evidence": evidence,
        "evidence_details": {
            "due_by": state.due_by,
            "enhanced_eligibility": {},
            "has_evidence": state.has_evidence,
            "past_due": is_open and at > state.due_by,
            "submission_count": int(state.has_evidence),
            "submission_method": "manual" if state.has_evidence else "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": is_open and state.withdrawn_at is None,
        "livemode": False,
        "metadata": {},
        "network_reason_code": _NETWORK_CODES[state.reason],
        "payment_intent": state.payment_intent,
        "payment_method_details": {
            "card": {
                "brand": state.brand,
                "case_type": "inquiry" if state.withdrawn_at is None else "chargeback",
                "network_reason_code": _NETWORK_CODES[state.reason],
            },
            "type": "card",
        },
        "reason": state.reason,
        "status": state.status,
    }

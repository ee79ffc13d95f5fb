"""Customers and payment methods as JSON."""

from typing import Any

from simulator.contact import Address, Shipping
from simulator.shapes.discounts import render_discount
from simulator.states import Customer, PaymentMethod
from simulator.terms import CustomerBalanceTransaction, TestClock

_NO_TAX = {
    "automatic_tax": "unrecognized_location",
    "ip_address": None,
    "location": None,
    "provider": "stripe",
}


def render_address(state: Address) -> dict[str, Any]:
    """A postal address; what was not told is null."""
    return state._asdict()


def render_shipping(state: Shipping | None) -> dict[str, Any] | None:
    """Where parcels go."""
    if state is None:
        return None
    return {"address": render_address(state.address), "name": state.name, "phone": state.phone}


def render_customer(state: Customer, at: float) -> dict[str, Any]:
    """A customer that was not deleted."""
    return {
        "id": state.id,
        "object": "customer",
        "address": render_address(state.contact.address),
        "balance": state.balance,
        "created": state.created,
        "currency": state.currency,
        "customer_account": None,
        "default_source": None,
        "delinquent": state.delinquent,
        "description": state.contact.description,
        "discount": None if state.discount is None else render_discount(state.discount, at),
        "email": state.email,
        "invoice_prefix": state.invoice_prefix,
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": state.default_payment_method,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": state.metadata,
        "name": state.name,
        "next_invoice_sequence": 1,
        "phone": state.contact.phone,
        "preferred_locales": [],
        "shipping": render_shipping(state.contact.shipping),
        "tax": _NO_TAX,
        "tax_exempt": "none",
        "test_clock": state.test_clock,
    }


def render_customer_balance_transaction(state: CustomerBalanceTransaction, at: float) -> dict[str, Any]:
    """A change of a customer's balance."""
    return {
        "id": state.id,
        "object": "customer_balance_transaction",
        "amount": state.amount,
        "checkout_session": None,
        "created": state.created,
        "credit_note": state.credit_note,
        "currency": state.currency,
        "customer": state.customer,
        "customer_account": None,
        "description": state.description,
        "ending_balance": state.ending_balance,
        "invoice": state.invoice,
        "livemode": False,
        "metadata": {},
        "type": state.type,
    }


def render_test_clock(state: TestClock, at: float) -> dict[str, Any]:
    """A test clock."""
    advancing = {"target_frozen_time": int(at)} if state.status == "advancing" else None
    return {
        "id": state.id,
        "object": "test_helpers.test_clock",
        "created": state.created,
        "deletes_after": state.deletes_after,
        "frozen_time": state.frozen_time,
        "livemode": False,
        "name": state.name,
        "status": state.status,
        "status_details": {} if advancing is None else {"advancing": advancing},
    }


def billing_details(card: PaymentMethod) -> dict[str, Any]:
    """Who owns a card."""
    return {
        "address": render_address(card.address),
        "email": card.email,
        "name": card.name,
        "phone": card.phone,
        "tax_id": None,
    }


CARD_CHECKS = {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": "pass"}


def render_payment_method(state: PaymentMethod, at: float) -> dict[str, Any]:
    """A card; `customer` is null once detached."""
    return {
        "id": state.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(state),
        "card": {
            "brand": state.brand,
            "checks": CARD_CHECKS,
            "country": state.address.country,
            "display_brand": state.brand,
            "exp_month": state.exp_month,
            "exp_year": state.exp_year,
            "fingerprint": state.fingerprint,
            "funding": state.funding,
            "generated_from": None,
            "last4": state.last4,
            "networks": {"available": [state.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": state.created,
        "customer": state.customer,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }

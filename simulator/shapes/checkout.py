"""Set-up intents and checkout sessions as JSON."""

from typing import Any

from simulator.contact import plain_address
from simulator.money_states import CheckoutSession, SetupIntent
from simulator.shapes.payments import card_error
from simulator.shapes.people import render_address


def render_setup_intent(state: SetupIntent, at: float) -> dict[str, Any]:
    """A set-up intent; after a decline with its last error."""
    return {
        "id": state.id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{state.id}_secret_redacted",
        "created": state.created,
        "customer": state.customer,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": card_error(state.failure, None) if state.failure is not None else None,
        "latest_attempt": state.latest_attempt,
        "livemode": False,
        "mandate": None,
        "metadata": state.metadata,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": state.payment_method,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": state.status,
        "usage": "off_session",
    }


def render_session(state: CheckoutSession, at: float) -> dict[str, Any]:
    """A session in subscription mode; its line items are shown only when expanded."""
    details: dict[str, Any] | None = None
    if state.status == "complete":
        details = {
            "address": {**render_address(plain_address(state.customer_country, "")), "postal_code": None},
            "business_name": None,
            "email": state.customer_email,
            "individual_name": None,
            "name": state.customer_name,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        }
    return {
        "id": state.id,
        "object": "checkout.session",
        "adaptive_pricing": None,
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": state.amount,
        "amount_total": state.amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": "https://example.com/plans",
        "client_reference_id": state.metadata.get("user_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": state.created,
        "currency": state.currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": state.customer,
        "customer_account": None,
        "customer_creation": None,
        "customer_details": details,
        "customer_email": None,
        "discounts": [],
        "expires_at": state.expires_at,
        "invoice": state.invoice,
        "invoice_creation": None,
        "livemode": False,
        "locale": None,
        "metadata": state.metadata,
        "mode": "subscription",
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "always",
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": state.payment_status,
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": {
            "allow_redisplay_filters": ["always"],
            "payment_method_remove": "disabled",
            "payment_method_save": None,
        },
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": state.status,
        "submit_type": None,
        "subscription": state.subscription,
        "success_url": "https://example.com/welcome",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted",
        "url": f"https://checkout.stripe.com/c/pay/{state.id}" if state.status == "open" else None,
        "wallet_options": None,
    }

"""The fields of objects in API version 2024-06-20, in Stripe's order, as recorded documents show them.

A kind that is not here had the fields that it has today. A `?` marks what is shown only where it applies.
"""

_NAMES = {
    "charge": """
        id object amount amount_captured amount_refunded application application_fee application_fee_amount
        balance_transaction billing_details calculated_statement_descriptor captured created currency customer
        description destination dispute disputed failure_balance_transaction failure_code failure_message
        fraud_details invoice livemode metadata on_behalf_of order outcome paid payment_intent payment_method
        payment_method_details receipt_email receipt_number receipt_url refunded review shipping source
        source_transfer statement_descriptor statement_descriptor_suffix status transfer_data transfer_group
    """,
    "coupon": """
        id object amount_off created currency duration duration_in_months livemode max_redemptions metadata
        name percent_off redeem_by times_redeemed valid
    """,
    "credit_note": """
        id object amount amount_shipping created currency customer customer_balance_transaction
        discount_amount discount_amounts effective_at invoice lines livemode memo metadata number
        out_of_band_amount pdf reason refund shipping_cost status subtotal subtotal_excluding_tax tax_amounts
        total total_excluding_tax type voided_at
    """,
    "credit_note_line_item": """
        id object amount amount_excluding_tax description discount_amount discount_amounts livemode quantity
        tax_amounts tax_rates type unit_amount unit_amount_decimal unit_amount_excluding_tax
    """,
    "customer": """
        id object address balance created currency default_source delinquent description discount email
        invoice_credit_balance invoice_prefix invoice_settings livemode metadata name next_invoice_sequence
        phone preferred_locales shipping tax_exempt test_clock
    """,
    "discount": """
        id object checkout_session coupon customer end invoice invoice_item promotion_code start subscription
        subscription_item
    """,
    "invoice": """
        id object account_country account_name account_tax_ids amount_due amount_paid amount_remaining
        amount_shipping application application_fee_amount attempt_count attempted auto_advance automatic_tax
        automatically_finalizes_at billing_reason charge collection_method created currency custom_fields
        customer customer_address customer_email customer_name customer_phone customer_shipping
        customer_tax_exempt customer_tax_ids default_payment_method default_source default_tax_rates
        description discount discounts due_date effective_at ending_balance footer from_invoice
        hosted_invoice_url invoice_pdf issuer last_finalization_error latest_revision lines livemode metadata
        next_payment_attempt number on_behalf_of paid paid_out_of_band payment_intent payment_settings
        period_end period_start post_payment_credit_notes_amount pre_payment_credit_notes_amount quote
        receipt_number rendering shipping_cost shipping_details starting_balance statement_descriptor status
        status_transitions subscription subscription_details subtotal subtotal_excluding_tax tax test_clock
        total total_discount_amounts total_excluding_tax total_tax_amounts transfer_data webhooks_delivered_at
    """,
    "invoiceitem": """
        id object amount currency customer date description discountable discounts invoice livemode metadata
        period plan price proration quantity subscription subscription_item? tax_rates test_clock unit_amount
        unit_amount_decimal
    """,
    "line_item": """
        id object amount amount_excluding_tax currency description discount_amounts discountable discounts
        invoice invoice_item? livemode metadata period plan price proration proration_details quantity
        subscription subscription_item? tax_amounts tax_rates type unit_amount_excluding_tax
    """,
    "payment_intent": """
        id object amount amount_capturable amount_details amount_received application application_fee_amount
        automatic_payment_methods canceled_at cancellation_reason capture_method client_secret
        confirmation_method created currency customer description invoice last_payment_error latest_charge
        livemode metadata next_action on_behalf_of payment_method payment_method_configuration_details
        payment_method_options payment_method_types processing receipt_email review setup_future_usage
        shipping source statement_descriptor statement_descriptor_suffix status transfer_data transfer_group
    """,
    "payment_method": """
        id object allow_redisplay billing_details card created customer livemode metadata type
    """,
    "plan": """
        id object active aggregate_usage amount amount_decimal billing_scheme created currency interval
        interval_count livemode metadata meter nickname product tiers_mode transform_usage trial_period_days
        usage_type
    """,
    "price": """
        id object active billing_scheme created currency custom_unit_amount livemode lookup_key metadata
        nickname product recurring tax_behavior tiers_mode transform_quantity type unit_amount
        unit_amount_decimal
    """,
    "refund": """
        id object amount balance_transaction charge created currency destination_details
        failure_balance_transaction? failure_reason? metadata payment_intent reason receipt_number
        source_transfer_reversal status transfer_reversal
    """,
    "subscription": """
        id object application application_fee_percent automatic_tax billing_cycle_anchor
        billing_cycle_anchor_config billing_thresholds cancel_at cancel_at_period_end canceled_at
        cancellation_details collection_method created currency current_period_end current_period_start
        customer days_until_due default_payment_method default_source default_tax_rates description discount
        discounts ended_at invoice_settings items latest_invoice livemode metadata
        next_pending_invoice_item_invoice on_behalf_of pause_collection payment_settings
        pending_invoice_item_interval pending_setup_intent pending_update plan quantity schedule start_date
        status test_clock transfer_data trial_end trial_settings trial_start
    """,
    "subscription_item": """
        id object billing_thresholds created discounts metadata plan price quantity subscription tax_rates
    """,
}

FIELDS: dict[str, tuple[tuple[str, bool], ...]] = {
    kind: tuple((name.rstrip("?"), not name.endswith("?")) for name in names.split()) for kind, names in _NAMES.items()
}
"""By kind: (field, whether every document has it)."""

# What is new inside an object that is no object of its own: (kind, path to it) and what to leave out.
PARTS: dict[str, dict[tuple[str, ...], frozenset[str]]] = {
    "charge": {
        ("billing_details",): frozenset(("tax_id",)),
        ("outcome",): frozenset(("advice_code", "network_advice_code", "network_decline_code")),
        ("payment_method_details", "card"): frozenset(("network_transaction_id", "regulated_status")),
    },
    "invoice": {("automatic_tax",): frozenset(("disabled_reason", "provider"))},
    "payment_method": {
        ("billing_details",): frozenset(("tax_id",)),
        ("card",): frozenset(("regulated_status",)),
    },
    "subscription": {("automatic_tax",): frozenset(("disabled_reason",))},
}

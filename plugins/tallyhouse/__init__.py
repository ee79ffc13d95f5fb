"""Tallyhouse: Stripe's events to true revenue numbers in PostgreSQL."""

"""A subscription company that never existed: a Stripe-compatible HTTP API over a generated business.

The company's whole life follows from a seed. It keeps its own books, computed from the generator's
state and never from the JSON it serves, so that whoever reads the API can ask what was true.
"""

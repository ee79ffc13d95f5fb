"""The local stack: an embedded PostgreSQL, a simulated Stripe, Airflow, and one run through all of it."""

"""The Revenue page: what the marts say, as charts, tables, CSV and SQL. Nothing in here imports Airflow."""

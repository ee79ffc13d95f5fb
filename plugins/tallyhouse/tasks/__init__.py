"""Airflow's side of the library: the tasks that DAG files put in order, a module for each DAG."""

# Airflow with Tallyhouse in it. Runs as Airflow's own user, never as root.
FROM apache/airflow:3.3.2-python3.12

COPY --chown=airflow:root requirements-airflow.txt /opt/tallyhouse/requirements-airflow.txt
RUN pip install --no-cache-dir -r /opt/tallyhouse/requirements-airflow.txt \
    && mkdir -p /opt/airflow/auth

COPY --chown=airflow:root dags /opt/airflow/dags
COPY --chown=airflow:root plugins /opt/airflow/plugins
COPY --chown=airflow:root include /opt/airflow/include
COPY --chown=airflow:root simulator /opt/tallyhouse/simulator

# DAG files import tallyhouse from plugins; the demo profile runs the simulator.
ENV PYTHONPATH=/opt/airflow/plugins:/opt/tallyhouse
USER airflow

# Airflow with Tallyhouse in it. Runs as Airflow's own user, never as root.
# The slim image has Airflow's core alone, so that requirements-image.txt says all that is beside it.
FROM apache/airflow:slim-3.3.2-python3.12

COPY --chown=airflow:root requirements-image.txt /opt/tallyhouse/requirements-image.txt
# Packages that each install, and together hand no task over, are found here and not at the first start.
RUN pip install --no-cache-dir -r /opt/tallyhouse/requirements-image.txt \
    && python -c 'from airflow.providers.celery.executors import celery_executor'

COPY --chown=airflow:root dags /opt/airflow/dags
COPY --chown=airflow:root plugins /opt/airflow/plugins
COPY --chown=airflow:root include /opt/airflow/include
COPY --chown=airflow:root simulator /opt/tallyhouse/simulator

# A volume that is mounted there has the owner of the folder that it covers.
RUN mkdir /opt/airflow/exports

# DAG files import tallyhouse from plugins; the demo profile runs the simulator.
ENV PYTHONPATH=/opt/airflow/plugins:/opt/tallyhouse
USER airflow

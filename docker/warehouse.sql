-- The warehouse's roles, two logins and its database, for psql: run once, by somebody who may create roles and databases.
-- docker-compose.yaml does so by itself when the volume is new. WAREHOUSE_PASSWORD is the password of the login that
-- loads, WAREHOUSE_ANALYST_PASSWORD that of the one that reads.
\set ON_ERROR_STOP on
\getenv password WAREHOUSE_PASSWORD
\getenv analyst_password WAREHOUSE_ANALYST_PASSWORD

create role tallyhouse_loader;
create role tallyhouse_analyst;
create role tallyhouse_pii;
grant tallyhouse_analyst to tallyhouse_pii;
grant tallyhouse_analyst to tallyhouse_loader with inherit false, set true;

-- what Airflow logs in as: it owns the database, and is no superuser
create role tallyhouse login password :'password';
grant tallyhouse_loader to tallyhouse with inherit true, set true;
create database warehouse owner tallyhouse;
grant create, temporary on database warehouse to tallyhouse_loader;

-- what analysts and the Revenue page log in as
create role analyst login password :'analyst_password';
grant tallyhouse_analyst to analyst;

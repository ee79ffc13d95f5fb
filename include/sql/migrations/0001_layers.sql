/* The layers: a file reads only from layers before its own (raw, staging, dwh, mart); ops is the pipeline's own. */
create schema raw;
comment on schema raw is
'What Stripe sent, exactly as received, append-only. Everything but ops can be rebuilt from here.';

create schema staging;
comment on schema staging is 'One history of every object, and one typed reading of each kind of document.';

create schema dwh;
comment on schema dwh is
'Dimensions and facts: a function of the set of raw rows, whatever the order in which they came.';

create schema mart;
comment on schema mart is 'What analysts read: materialized views, refreshed after each load.';

/* Grain: one row per column of dwh that may hold personal data. The one list that grants and erasure's proof read. */
create view ops.personal_column as
select relation, column_name, why
from (
    values
    ('balance_transaction_fact', 'description', 'free text, copied from the payment'),
    ('client_dim', 'device_name', 'people name theirs after themselves'),
    ('credit_note_fact', 'memo', 'free text, written to the customer'),
    ('credit_note_fact', 'metadata', 'whatever your own code put there'),
    ('customer_dim', 'description', 'free text about the customer'),
    ('customer_dim', 'email', 'e-mail address'),
    ('customer_dim', 'metadata', 'whatever your own code put there'),
    ('customer_dim', 'name', 'name'),
    ('dispute_fact', 'metadata', 'whatever your own code put there'),
    ('invoice_fact', 'metadata', 'whatever your own code put there'),
    ('invoice_line_fact', 'description', 'free text, where a line was written by hand'),
    ('payment_intent_fact', 'metadata', 'whatever your own code put there'),
    ('payment_method_dim', 'fingerprint', 'the same for one card wherever it is used'),
    ('payment_method_dim', 'last4', 'part of the number of a card or an account'),
    ('subscription_dim', 'metadata', 'whatever your own code put there'),
    ('subscription_item_dim', 'metadata', 'whatever your own code put there'),
    ('user_first_install_fact', 'device_id', 'the same for one device in every app'),
    ('user_first_install_fact', 'ip_address', 'address of the device')
) as personal (relation, column_name, why);
comment on view ops.personal_column is
'Grain: one row per column of dwh that may hold personal data: granted to tallyhouse_pii alone, and emptied by an '
'erasure.';
comment on column ops.personal_column.relation is 'Table of schema dwh.';
comment on column ops.personal_column.column_name is 'Its column.';
comment on column ops.personal_column.why is 'What makes it personal.';

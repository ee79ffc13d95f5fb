/* Grain: one row per kind of object that is read as another: an older or nested shape of it, or another name. */
create view staging.reads_as as
select object_type, reading
from (
    values
    ('plan', 'price'),
    ('line_item', 'invoice_line'),
    ('invoiceitem', 'invoice_item'),
    ('card', 'payment_method'),
    ('source', 'payment_method'),
    ('checkout.session', 'checkout_session')
) as alias (object_type, reading);
comment on view staging.reads_as is
'Grain: one row per kind of object that the staging function of another name reads; all others have one of their own.';
comment on column staging.reads_as.object_type is 'The object''s own "object" field.';
comment on column staging.reads_as.reading is 'Name of the staging function that reads its documents.';

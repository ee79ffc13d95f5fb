/* Files of installs and spend: batches that belong to no account of Stripe's, and their rows as received. */
alter table ops.batch
alter column account_id drop not null,
alter column livemode drop not null,
add constraint batch_of_an_account_or_a_file check (
    case source when 'file' then account_id is null else account_id is not null end
    and (account_id is null) = (livemode is null)
);
comment on column ops.batch.account_id is 'Stripe account that the call was made for (acct_...); null for a file.';
comment on column ops.batch.livemode is 'False for test data; null for a file.';
comment on column ops.batch.source is 'events, list, file, or another source of documents.';
comment on column ops.batch.object_type is
'Kind of object that was listed, or of rows in the file; null for events, which carry all kinds.';
comment on column ops.batch.scope is
'What the list was narrowed to beside its time, for example test_clock=clock_..., or a file''s name; null: nothing.';

alter table raw.rejected
alter column account_id drop not null,
alter column livemode drop not null,
drop constraint rejected_account_id_livemode_source_row_key_key,
add constraint rejected_once unique nulls not distinct (account_id, livemode, source, row_key);
comment on table raw.rejected is
'Grain: one row per row of Stripe''s or of a file that could not be staged or read, kept as text. Reported once, by a '
'red run.';
comment on column raw.rejected.account_id is 'Stripe account (acct_...); null for a file''s.';
comment on column raw.rejected.livemode is 'False for test data; null for a file''s.';
comment on column raw.rejected.source is 'events, list:<object>, or file:<name>.';
comment on column raw.rejected.row_key is
'Its id, or where it has none the SHA-256 of its text; in a file its line, and the beginning of the file''s SHA-256.';
comment on column raw.rejected.payload is
'As received: JSON text, which may hold what jsonb refuses, or a row of a file.';

create table raw.file_row (
    batch_id bigint not null,
    line bigint not null,
    file_kind text not null,
    file_name text not null,
    sha256 text not null,
    modified_at timestamptz not null,
    row_key text[] not null,
    payload jsonb not null,
    primary key (batch_id, line),
    unique (batch_id, row_key)
);
create index file_row_versions on raw.file_row (file_kind, row_key);
comment on table raw.file_row is
'Grain: one row per row of a file of installs, clients, channels or ad spend, as received. Of the rows with one key '
'that of the latest file counts.';
comment on column raw.file_row.batch_id is 'The batch that brought the file.';
comment on column raw.file_row.line is 'Line of the file on which the row begins; the first is 1.';
comment on column raw.file_row.file_kind is 'install, client, channel or ad_spend.';
comment on column raw.file_row.file_name is 'Name of the file, below the folder that is read.';
comment on column raw.file_row.sha256 is 'Hash of the file, hex.';
comment on column raw.file_row.modified_at is
'When the file was last modified; a file that replaces another of its name is always later than that.';
comment on column raw.file_row.row_key is
'Natural key, empty where a part of it is: user and install; client; channel; channel, campaign, ad group, day '
'and currency.';
comment on column raw.file_row.payload is
'Column to text, without the blanks around it and without empty fields; currencies in lower case, countries in upper. '
'Without ip_address where policy keep_ip_addresses says so.';

create table ops.file (
    batch_id bigint primary key,
    file_name text not null,
    file_kind text,
    sha256 text not null,
    byte_count bigint not null,
    modified_at timestamptz not null
);
create index file_name on ops.file (file_name, batch_id);
create index file_sha256 on ops.file (sha256);
comment on table ops.file is
'Grain: one row per file that was loaded. The same content is not loaded again, unless it replaces another.';
comment on column ops.file.batch_id is 'The batch that brought it.';
comment on column ops.file.file_name is 'Its name, below the folder that is read.';
comment on column ops.file.file_kind is 'install, client, channel or ad_spend; null where the name tells none of them.';
comment on column ops.file.sha256 is 'Hash of its content, hex.';
comment on column ops.file.byte_count is 'Its size.';
comment on column ops.file.modified_at is 'As in raw.file_row.';

insert into ops.policy (name, value, description)
values
(
    'keep_ip_addresses',
    'yes',
    'Whether the ip_address of an install, which is personal data, is kept: yes or no. With no it is not stored from '
    'then on; what was stored before is taken out by: update raw.file_row set payload = payload - ''ip_address''; '
    'and a run of warehouse_rebuild.'
);
alter table ops.policy add constraint policy_keep_ip_addresses_known check (
    name <> 'keep_ip_addresses' or value in ('yes', 'no')
);

/* How an erased user of the app is remembered: so that a later file is recognised, and nobody is named. */
create function ops.user_hash(user_id text) returns text
language sql
stable strict parallel safe
as $$
    select case
        when user_id ~ '^hmac:[0-9a-f]{64}$' then user_id
        -- HMAC-SHA256 (RFC 2104) of the id's own SHA-256, which is all that was kept of some before there was a key
        else 'hmac:' || encode(
            sha256(
                key.outer_block
                || sha256(
                    key.inner_block
                    || case
                        when user_id ~ '^sha256:[0-9a-f]{64}$' then decode(substr(user_id, 8), 'hex')
                        else sha256(convert_to(user_id, 'UTF8'))
                    end
                )
            ),
            'hex'
        )
    end
    from ops.erasure_key as key
$$;
comment on function ops.user_hash(text) is
'Keyed hash of a user''s id, hex, with its name before it; of such a hash itself. Only the loader may read the key.';

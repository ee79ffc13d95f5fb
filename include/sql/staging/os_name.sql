/* One name for each operating system: files write it in any case, with and without its version. */
create function staging.os_name(written text) returns text
language sql
immutable parallel safe
as $$
    select case base.name
        when 'android' then 'Android'
        when 'ios' then 'iOS'
        when 'iphone' then 'iOS'
        when 'iphone os' then 'iOS'
        when 'ipad' then 'iPadOS'
        when 'ipados' then 'iPadOS'
        when 'mac' then 'macOS'
        when 'macos' then 'macOS'
        when 'mac os' then 'macOS'
        when 'mac os x' then 'macOS'
        when 'os x' then 'macOS'
        when 'osx' then 'macOS'
        when 'tvos' then 'tvOS'
        when 'watchos' then 'watchOS'
        when 'windows nt' then 'Windows'
        when 'chromeos' then 'ChromeOS'
        when 'chrome os' then 'ChromeOS'
        when 'cros' then 'ChromeOS'
        when 'harmonyos' then 'HarmonyOS'
        -- nothing but a number
        when '' then trim(written)
        else initcap(base.name)
    end
    -- from a number on it is the version, also without a space, but for short names that a number is part of: PS5
    from regexp_replace(lower(trim(written)), '([\s/_-]*\mv?|(?<=[a-z]{3}))[0-9].*$', '') as base (name)
$$;
comment on function staging.os_name(text) is
'Name of an operating system without its version, in one spelling: Android for "android", "ANDROID 14", "android14".';

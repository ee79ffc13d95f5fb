/* Grain: one row per currency. Decimals of its minor unit on Stripe's wire (not always ISO's: ISK has two). */
select ops.begin_model('currency_dim');

-- Source: https://docs.stripe.com/currencies, zero-decimal, three-decimal and presentment currencies.
insert into dwh.currency_dim (currency, exponent)
select split.currency, listed.exponent
from (
    values
    (0, 'bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf'),
    (3, 'bhd jod kwd omr tnd'),
    (2, 'aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp byn bzd cad cdf
        chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg
        huf idr ils inr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur
        mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd
        scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs wst xcd xcg yer
        zar zmw'),
    -- That page named them once, and what is older has them still: withdrawn from ISO 4217 (its list of
    -- historic denominations), or given up (svc). Mro and sll had no coins in use, but two decimals on the wire.
    (2, 'eek hrk ltl lvl mro sll svc vef')
) as listed (exponent, currencies)
cross join
    lateral regexp_split_to_table(listed.currencies, '\s+') as split (currency)
where not exists (select 1 from dwh.currency_dim as known where known.currency = split.currency);

select ops.end_model(0, (select count(*) from dwh.currency_dim));

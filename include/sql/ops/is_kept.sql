/* What stays of the documents of an erased person: money, times, states and links. What is not named here goes. */
create function ops.is_kept(attribute text, value_type text, within text, kind text) returns boolean
language sql
immutable parallel safe
as $$
    select case
        -- what holds others is emptied from within, but for what your own code named
        when value_type in ('object', 'array') then attribute <> 'metadata'
        when value_type in ('null', 'boolean') then true
        when attribute = any(
            -- what it is, and what it belongs to
            '{id,object,type,account,api_version,livemode,request,charge,latest_charge,customer,coupon,credit_note,'
            'customer_balance_transaction,balance_transaction,failure_balance_transaction,checkout_session,'
            'default_card,default_payment_method,default_price,default_source,active_card,card,source,destination,'
            'destination_payment,discount,discounts,dispute,invoice,invoice_item,latest_attempt,latest_invoice,mandate,'
            'original_payout,payment_intent,payment_link,payment_method,payment_record,payout,plan,price,product,'
            'promotion_code,recovered_from,refund,refunds,charges,released_subscription,reversed_by,schedule,'
            'setup_intent,single_use_mandate,source_transaction,subscription,subscription_item,tax_rate,'
            'default_tax_rates,tax_rates,test_clock,transfer,application,on_behalf_of,'
            -- what it is like
            'status,currency,country,tax_exempt,mode,method,usage,usage_type,reason,feedback,cancellation_reason,'
            'failure_code,failure_message,failure_reason,decline_code,network_reason_code,risk_level,network_status,'
            'billing,billing_reason,billing_scheme,collection_method,capture_method,confirmation_method,'
            'setup_future_usage,payment_status,payment_method_types,behavior,end_behavior,proration_behavior,'
            'renewal_behavior,tax_behavior,taxability_reason,balance_type,transaction_type,reporting_category,'
            'reconciliation_status,source_type,brand,funding,tokenization_method,network,interval,duration,rate_type,'
            'billing_mode,'
            -- when
            'created,date,updated,updated_at,start,start_date,end,end_date,started_at,ended_at,period_start,period_end,'
            'current_period_start,current_period_end,trial_start,trial_end,billing_cycle_anchor,cancel_at,canceled_at,'
            'completed_at,expires_at,released_at,resumes_at,redeem_by,available_on,arrival_date,effective_at,due_by,'
            'due_date,evidence_due_by,next_payment_attempt,finalized_at,paid_at,voided_at,marked_uncollectible_at,'
            'accepted_at,capture_before,exp_month,exp_year,'
            -- how much
            'amount,amount_authorized,amount_capturable,amount_captured,amount_charged,amount_decimal,amount_discount,'
            'amount_due,amount_excluding_tax,amount_off,amount_overpaid,amount_paid,amount_paid_off_stripe,'
            'amount_received,amount_refunded,amount_remaining,amount_requested,amount_returned,amount_reversed,'
            'amount_shipping,amount_subtotal,amount_tax,amount_total,application_fee,application_fee_amount,'
            'discount_amount,out_of_band_amount,post_payment_amount,post_payment_credit_notes_amount,'
            'pre_payment_amount,pre_payment_credit_notes_amount,minimum_amount,minimum_amount_currency,'
            'maximum_amount_capturable,unit_amount,unit_amount_decimal,unit_amount_excluding_tax,subtotal,'
            'subtotal_excluding_tax,tax,tax_percent,taxable_amount,total,total_excluding_tax,total_count,balance,'
            'account_balance,starting_balance,ending_balance,fee,net,exchange_rate,percent_off,percentage,'
            'effective_percentage,flat_amount,quantity,quantity_decimal,interval_count,duration_in_months,iterations,'
            'attempt_count,submission_count,times_redeemed,max_redemptions,pending_webhooks,trial_period_days,'
            'days_until_due,risk_score}'
        ) then true
        else
            (kind = any('{invoice,credit_note,quote}') and attribute = 'number')
            -- Stripe's own words
            or (within = 'fee_details' and attribute = 'description')
            or (within = any('{last_payment_error,last_setup_error}') and attribute = any('{code,message}'))
    end
$$;
comment on function ops.is_kept(text, text, text, text) is
'Whether an attribute stays when a document is redacted: by its name, the JSON type of its value, the attribute that '
'it stands in and the kind of object. A name that is not known does not stay, whatever Stripe may add.';

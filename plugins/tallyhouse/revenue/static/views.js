/* How each chart is drawn. Panels share the periods on their axis, and each has one unit: no second scale anywhere.
   Tones: won1 to won3 are shades of the one accent, lost1 to lost3 of grey; rates, what exchange rates did; what is taken away hangs below zero. The
   paler ones do not stand out from the card by themselves: each has an edge of the first of its kind. */

/** The edge of a tone. */
export const edgeOf = (tone) => tone.replace(/[23]$/, "1");

/** The style of what is filled with a tone. */
export const toned = (tone) => `--tone: var(--${tone}); --edge: var(--${edgeOf(tone)})`;

const RECOVERY = [
  { key: "recovered_payments", tone: "won1" },
  { key: "open_payments", tone: "won3" },
  { key: "lost_payments", tone: "lost1" },
];

export const VIEWS = {
  mrr: {
    wide: true,
    waterfall: {
      from: "opening_mrr",
      to: "closing_mrr",
      won: [
        { key: "new", tone: "won1" },
        { key: "expansion", tone: "won2" },
        { key: "reactivation", tone: "won3" },
      ],
      lost: [
        { key: "churn", tone: "lost1" },
        { key: "contraction", tone: "lost2" },
      ],
      // more may come back than goes; exchange rates, of all currencies together, rise and fall
      either: [
        { key: "held_change", tone: "lost3", sign: -1 },
        { key: "fx", tone: "rates", sign: 1 },
      ],
    },
  },
  revenue: {
    panels: [
      {
        kind: "money",
        bars: [
          { key: "net_after_fees", tone: "won1" },
          { key: "fees", tone: "lost3", below: true },
          { key: "refunded", tone: "lost2", below: true },
          { key: "disputed", tone: "lost1", below: true },
        ],
      },
    ],
  },
  subscribers: {
    panels: [
      // of a plan only who pays is known
      {
        kind: "count",
        share: 2,
        lines: [
          { key: "subscribers", tone: "won1", area: true },
          { key: "paying_customers", tone: "lost1", under: true },
        ],
      },
      {
        kind: "count",
        bars: [
          { key: "new_customers", tone: "won1" },
          { key: "reactivated_customers", tone: "won3" },
          { key: "churned_customers", tone: "lost1", below: true },
        ],
      },
    ],
  },
  churn: {
    panels: [
      { kind: "rate", lines: [{ key: "churn_rate", tone: "won1" }] },
      {
        kind: "count",
        bars: [
          { key: "voluntary_customers", tone: "lost1" },
          { key: "involuntary_customers", tone: "lost3" },
          { key: "other_customers", tone: "lost2" },
        ],
      },
    ],
  },
  retention: {
    panels: [
      {
        kind: "rate",
        floating: true,
        lines: [
          { key: "net_revenue_retention", tone: "won1" },
          { key: "gross_revenue_retention", tone: "lost1" },
        ],
      },
    ],
  },
  value: {
    panels: [
      { kind: "money", floating: true, lines: [{ key: "arpu", tone: "won1" }] },
      // a month that has just begun has hardly any churn, and a lifetime without end: what is whole sets the axis
      { kind: "money", whole: true, lines: [{ key: "ltv", tone: "lost1" }] },
    ],
  },
  cohort_customers: { heat: { row: "cohort", column: "periods_since", value: "retention_rate", beside: "cohort_customers" } },
  cohort_revenue: { heat: { row: "cohort", column: "periods_since", value: "revenue_retention_rate", beside: "cohort_mrr" } },
  renewals: {
    wide: true,
    heat: { row: ["plan", "cohort", "renews_every"], column: "renewal", value: "renewal_rate", beside: "started_subscriptions" },
  },
  trials: {
    panels: [
      { kind: "rate", lines: [{ key: "conversion_rate", tone: "won1" }] },
      {
        kind: "count",
        side: true,
        bars: [
          { key: "trials", tone: "lost3" },
          { key: "converted_trials", tone: "won1" },
        ],
      },
    ],
  },
  recovery: {
    panels: [
      { kind: "rate", lines: [{ key: "recovery_rate", tone: "won1" }] },
      { kind: "count", bars: RECOVERY },
    ],
  },
  failures: { list: { row: "failure_code", total: "failed_payments", parts: RECOVERY, rate: "recovery_rate" } },
  payback: { wide: true, heat: { row: "channel_name", column: "months_since", value: "payback_share", beside: "spend", goal: 1 } },
};

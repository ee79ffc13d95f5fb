/* How values are written: one form for each kind, in the reader's language, with the decimals of the currency. */

const NONE = "–";

/** Writers for the values of one answer: `shown_in` is a currency of ISO 4217, `exponent` its decimals, `by` month or quarter. */
export function formats({ shown_in, exponent, by }) {
  const money = { style: "currency", currency: shown_in.toUpperCase(), currencyDisplay: "narrowSymbol" };
  const decimals = { minimumFractionDigits: exponent, maximumFractionDigits: exponent };
  const exact = new Intl.NumberFormat(undefined, { ...money, ...decimals });
  const compact = new Intl.NumberFormat(undefined, {
    ...money,
    notation: "compact",
    minimumFractionDigits: 0,
    maximumFractionDigits: 1,
  });
  const count = new Intl.NumberFormat();
  const compactCount = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
  const rate = new Intl.NumberFormat(undefined, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const wholeRate = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
  const factor = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const month = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric", timeZone: "UTC" });

  const period = (value) => {
    const at = new Date(`${value}T00:00:00Z`);
    return by === "quarter" ? `Q${Math.floor(at.getUTCMonth() / 3) + 1} ${at.getUTCFullYear()}` : month.format(at);
  };
  const write = {
    period,
    text: String,
    count: (value) => count.format(value),
    money: (value) => exact.format(value),
    rate: (value) => rate.format(value),
    factor: (value) => factor.format(value),
    flag: (value) => (value ? "yes" : "so far"),
  };
  const short = {
    ...write,
    money: (value) => compact.format(value),
    count: (value) => compactCount.format(value),
    rate: (value) => wholeRate.format(value),
  };
  return {
    /** A value in full. */
    full: (kind, value) => (value === null ? NONE : write[kind](value)),
    /** A value where there is little room: on an axis, on a tile. */
    short: (kind, value) => (value === null ? NONE : short[kind](value)),
  };
}

const MONTH = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric", timeZone: "UTC" });
const INSTANT = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
  timeZone: "UTC",
});

/** A month such as 2026-01. */
export const monthLabel = (text) => MONTH.format(new Date(`${text}-01T00:00:00Z`));

/** An instant, in UTC; one that is not there is "never". */
export const instantLabel = (text) => (text ? `${INSTANT.format(new Date(text))} UTC` : "never");

/** "1 day", "2 days". */
export const counted = (number, noun) => `${new Intl.NumberFormat().format(number)} ${noun}${number === 1 ? "" : "s"}`;

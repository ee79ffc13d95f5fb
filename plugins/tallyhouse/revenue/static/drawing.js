/* Charts over periods, by ECharts: bars, lines and the waterfall, in the colours of the theme, usable by keys. */

import { el } from "./dom.js";
import { edgeOf } from "./views.js";

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const number = (value) => (value === null ? null : Number(value));
// what is so far, in the colour of the card
const HATCHED = { symbol: "rect", symbolSize: 1, dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: -Math.PI / 4 };
// pixels over, under and between the panels
const [ABOVE, BELOW, BETWEEN] = [12, 22, 18];

/** One drawn chart in a card: `rows` are objects by key; the chart follows the theme and its own width. */
export class PeriodChart {
  constructor(holder, chart, rows, view, format, announce) {
    Object.assign(this, { chart, rows, view, format, announce });
    this.place = -1;
    this.box = el("div", {
      class: "drawing",
      tabindex: "0",
      role: "group",
      "aria-roledescription": "chart",
      "aria-label": `${chart.title}, ${rows.length} periods. Left and right arrow keys go through them.`,
      keydown: (event) => this.#onKey(event),
      blur: () => this.#hide(),
    });
    this.canvas = el("div", { class: "canvas", "aria-hidden": "true" });
    this.box.append(this.canvas);
    holder.append(this.box);
    this.drawn = window.echarts.init(this.canvas, null, { renderer: "svg" });
    this.redraw = () => this.drawn.setOption(this.#option(), true);
    this.redraw();
    this.resizing = new ResizeObserver(() => this.drawn.resize());
    this.resizing.observe(this.canvas);
    window.addEventListener("themechange", this.redraw);
  }

  dispose() {
    this.resizing.disconnect();
    window.removeEventListener("themechange", this.redraw);
    this.drawn.dispose();
  }

  #onKey(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const end = { Home: 0, End: this.rows.length - 1 }[event.key];
    if (event.key === "Escape") this.#hide();
    if (step === undefined && end === undefined) return;
    event.preventDefault();
    const next = end ?? (this.place < 0 && step < 0 ? this.rows.length - 1 : this.place + step);
    this.place = Math.min(Math.max(next, 0), this.rows.length - 1);
    // by its place: a series need not have a value there
    this.drawn.dispatchAction({ type: "showTip", x: this.drawn.convertToPixel({ xAxisIndex: 0 }, this.place), y: ABOVE + 1 });
    const said = this.#told(this.place).map(([label, value]) => `${label} ${value}`);
    this.announce(`${this.#period(this.place)}: ${said.join(", ")}`);
  }

  #hide() {
    this.place = -1;
    this.drawn.dispatchAction({ type: "hideTip" });
  }

  #period(place) {
    const row = this.rows[place];
    return this.format.full("period", row.period) + (row.is_complete === false ? " so far" : "");
  }

  /** [label, value] of everything that is known of a period. */
  #told(place) {
    return this.chart.columns
      .filter((column) => !["period", "flag"].includes(column.kind))
      .map((column) => [column.label, this.format.full(column.kind, this.rows[place][column.key])]);
  }

  #tip(place) {
    const lines = this.#told(place).map(([label, value]) => el("tr", {}, el("th", { scope: "row" }, label), el("td", {}, value)));
    return el("div", { class: "tip" }, el("strong", {}, this.#period(place)), el("table", {}, el("tbody", {}, lines)));
  }

  #option() {
    const panels = this.view.waterfall ? [waterfall(this.rows, this.view.waterfall)] : this.view.panels.map((panel) => ({ ...panel, series: plain(panel) }));
    const tall = panels.reduce((sum, panel) => sum + (panel.share ?? 1), 0);
    const room = this.canvas.clientHeight - ABOVE - BELOW - BETWEEN * (panels.length - 1);
    let top = ABOVE;
    const grids = panels.map((panel) => {
      const height = (room * (panel.share ?? 1)) / tall;
      const grid = { left: 58, right: 10, top, height };
      top += height + BETWEEN;
      return grid;
    });
    const quiet = style("--quiet");
    const periods = this.rows.map((row) => this.format.full("period", row.period));
    const shown = (place) => place === panels.length - 1;
    return {
      animation: false,
      textStyle: { fontFamily: style("--font") },
      grid: grids,
      axisPointer: { link: [{ xAxisIndex: "all" }], lineStyle: { color: quiet }, shadowStyle: { color: style("--hover") } },
      tooltip: {
        trigger: "axis",
        axisPointer: { type: "shadow" },
        confine: true,
        appendTo: "body",
        transitionDuration: 0,
        padding: 0,
        borderWidth: 0,
        backgroundColor: "transparent",
        extraCssText: "box-shadow: none",
        formatter: (points) => this.#tip(points[0].dataIndex),
      },
      xAxis: panels.map((_, place) => ({
        type: "category",
        gridIndex: place,
        data: periods,
        axisTick: { show: false },
        axisLine: { lineStyle: { color: style("--line") }, onZero: true },
        axisLabel: { show: shown(place), color: quiet, hideOverlap: true, fontSize: 11 },
        axisPointer: { label: { show: false } },
      })),
      yAxis: panels.map((panel, place) => ({
        type: "value",
        gridIndex: place,
        splitNumber: panel.share || panels.length === 1 ? 4 : 2,
        min: panel.min,
        scale: Boolean(panel.floating),
        axisLabel: { color: quiet, fontSize: 11, formatter: (value) => this.format.short(panel.kind, value), hideOverlap: true },
        splitLine: { lineStyle: { color: style("--line") } },
      })),
      series: panels.flatMap((panel, place) => panel.series.flatMap((series) => (series.line ? this.#lines(series, panel, place) : this.#bars(series, panel, place)))),
    };
  }

  /** A line as far as periods are whole; what is so far goes on dashed, to hollow points. */
  #lines(series, panel, place) {
    const color = style(`--${series.tone}`);
    const values = this.rows.map((row) => number(row[series.key]));
    const isOpen = this.rows.map((row) => row.is_complete === false);
    const leads = isOpen.map((_, at) => isOpen[at - 1] || isOpen[at + 1]);
    const common = {
      type: "line",
      xAxisIndex: place,
      yAxisIndex: place,
      silent: true,
      color,
      areaStyle: series.area ? { color, opacity: 0.12 } : undefined,
      symbol: "circle",
      symbolSize: 5,
      showAllSymbol: true,
      z: series.under ? 2 : 3,
    };
    const whole = { ...common, name: series.key, lineStyle: { width: 2, color }, data: values.map((value, at) => (isOpen[at] ? null : value)) };
    if (!isOpen.includes(true)) return [whole];
    const within = panel.whole ? bounds(whole.data) : null;
    const soFar = values.map((value, at) => {
      // where it begins, the line before has the point
      if (!isOpen[at]) return { value: leads[at] ? value : null, symbol: "none" };
      const beyond = within && value !== null && (value > within.most || value < within.least);
      const shown = beyond ? Math.min(Math.max(value, within.least), within.most) : value;
      const hollow = { color: style("--card"), borderColor: color, borderWidth: 2 };
      return { value: shown, symbol: beyond ? "triangle" : "circle", symbolSize: 7, symbolRotate: beyond && value < within.least ? 180 : 0, itemStyle: hollow };
    });
    return [whole, { ...common, name: `${series.key}_so_far`, lineStyle: { width: 2, color, type: "dashed" }, data: soFar }];
  }

  #bars(series, panel, place) {
    const color = series.tone ? style(`--${series.tone}`) : "transparent";
    const edge = series.tone ? { borderColor: style(`--${edgeOf(series.tone)}`), borderWidth: 1 } : {};
    const decal = { ...HATCHED, color: style("--card") };
    return {
      name: series.key,
      type: "bar",
      xAxisIndex: place,
      yAxisIndex: place,
      silent: true,
      stack: panel.side ? series.key : (series.stack ?? "all"),
      stackStrategy: series.stack ? "all" : "samesign",
      barGap: "0%",
      barMaxWidth: 36,
      barCategoryGap: "28%",
      data: this.rows.map((row) => {
        const value = series.value ? series.value(row) : signed(number(row[series.key]), series.below);
        const hatch = series.tone && row.is_complete === false ? { decal } : {};
        // the edge of nothing would be a line
        return { value, itemStyle: { color, ...(value ? edge : {}), ...hatch } };
      }),
    };
  }
}

const signed = (value, isBelow) => (isBelow && value !== null ? -value : value);

/** The least and the most of what is known; null when nothing is. */
function bounds(values) {
  const known = values.filter((value) => value !== null);
  return known.length ? { least: Math.min(...known), most: Math.max(...known) } : null;
}

/** Series of a panel as they are. */
function plain(panel) {
  return [...(panel.bars ?? []), ...(panel.lines ?? []).map((line) => ({ ...line, line: true }))];
}

/** Two floating columns a period: up from where it opens by what was won, and down from there to where it closes.

    A period of which an amount is not known has none. */
function waterfall(all, { from, to, won, lost, either }) {
  const parts = [from, to, ...[...won, ...lost, ...either].map(({ key }) => key)];
  const isKnown = (row) => parts.every((key) => row[key] !== null);
  const known = (value) => (row) => (isKnown(row) ? value(row) : null);
  // of one currency there are no rates
  const moved = ({ key, sign }, row) => sign * Number(row[key] ?? 0);
  const up = (part) => known((row) => Math.max(0, moved(part, row)));
  const down = (part) => known((row) => Math.max(0, -moved(part, row)));
  const rows = all.filter(isKnown);
  const lows = rows.map((row) => Math.min(Number(row[from]), Number(row[to])));
  const gains = [...won.map((part) => ({ ...part, sign: 1 })), ...either];
  const tops = rows.map((row) => gains.reduce((sum, part) => sum + up(part)(row), Number(row[from])));
  const low = rows.length ? Math.min(...lows) : 0;
  const span = Math.max(0, ...tops) - low;
  return {
    kind: "money",
    share: 1,
    // what moves must be seen: the axis begins near it where all of it is far from zero
    min: low > span ? (value) => niceBelow(low - span * 0.15, value.max) : undefined,
    series: [
      { key: "base_up", stack: "up", value: known((row) => Number(row[from])) },
      ...gains.map((part) => ({ ...part, stack: "up", value: up(part) })),
      { key: "base_down", stack: "down", value: known((row) => Number(row[to])) },
      ...[...lost.map((part) => ({ ...part, sign: -1 })), ...either].map((part) => ({ ...part, stack: "down", value: down(part) })),
      { key: to, tone: "ink", line: true },
    ],
  };
}

function niceBelow(value, top) {
  const step = 10 ** Math.floor(Math.log10(Math.max(top - value, Number.MIN_VALUE)));
  return Math.max(0, Math.floor(value / step) * step);
}

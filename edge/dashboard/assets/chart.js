// The last hour, drawn: lines broken where nothing is known, thin where confidence was low, bands without scores, alerts.

import { duration, percent, say, text } from "/assets/live.js";

const STEP_S = 10, HOUR = 360, LOW = 0.2;
const LEFT = 34, RIGHT = 12, TOP = 26, BOTTOM = 24;
const SVG = "http://www.w3.org/2000/svg";

function draw(kind, attributes = {}, content = "") {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (content) element.textContent = content;
  return element;
}

const clock = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export class Chart {
  constructor(holder, readout, rows) {
    this.holder = holder;
    this.readout = readout;
    this.rows = rows;
    this.help = readout.textContent;
    this.points = new Map();
    this.spans = [];
    this.end = 0;
    this.chosen = null;
    this.svg = draw("svg", { "aria-hidden": "true" });
    holder.append(this.svg);
    new ResizeObserver(() => this.draw()).observe(holder);
    holder.addEventListener("pointermove", (event) => this.point(event.clientX - holder.getBoundingClientRect().left));
    holder.addEventListener("pointerleave", () => this.choose(null));
    holder.addEventListener("blur", () => this.choose(null));
    holder.addEventListener("keydown", (event) => this.key(event));
  }

  forget() {
    this.points.clear();
  }

  tell(points, spans, now) {
    for (const point of points) this.points.set(point[0], point);
    this.spans = spans;
    this.end = Math.floor(now / STEP_S);
    for (const number of this.points.keys()) if (number <= this.end - HOUR) this.points.delete(number);
    this.draw();
  }

  get width() {
    return Math.max(200, this.holder.clientWidth);
  }

  get height() {
    return Math.max(160, this.holder.clientHeight);
  }

  x(number) {
    return LEFT + ((number - (this.end - HOUR)) / HOUR) * (this.width - LEFT - RIGHT);
  }

  y(share) {
    return TOP + (1 - share) * (this.height - TOP - BOTTOM);
  }

  draw() {
    const { width, height } = this;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const parts = [...this.bands(), ...this.grid(), ...this.alerts(), ...this.line(2, "satisfaction"), ...this.line(1, "engagement")];
    this.svg.replaceChildren(this.hatch(), ...parts, ...this.cursor());
    if (this.rows.closest("details").open) this.table();
  }

  hatch() {
    const defs = draw("defs");
    const pattern = draw("pattern", { id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    pattern.append(draw("rect", { width: 7, height: 7, class: "band" }), draw("rect", { width: 2, height: 7, class: "stripe" }));
    defs.append(pattern);
    return defs;
  }

  grid() {
    const parts = [];
    for (const share of [0, 0.5, 1]) {
      parts.push(draw("line", { class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: this.y(share), y2: this.y(share) }));
      parts.push(draw("text", { x: LEFT - 8, y: this.y(share) + 4, "text-anchor": "end" }, String(share * 100)));
    }
    const every = this.width < 560 ? 1200 : 600;
    const first = Math.ceil(((this.end - HOUR) * STEP_S) / every) * every;
    for (let at = first; at <= this.end * STEP_S; at += every) {
      const x = this.x(at / STEP_S);
      if (x < LEFT + 14 || x > this.width - RIGHT - 14) continue;
      parts.push(draw("line", { class: "tick", x1: x, x2: x, y1: this.y(0), y2: this.y(0) + 4 }));
      parts.push(draw("text", { x, y: this.height - 5, "text-anchor": "middle" }, clock(at)));
    }
    return parts;
  }

  bands() {
    const parts = [];
    let band = null;
    for (let number = this.end - HOUR + 1; number <= this.end + 1; number++) {
      const reason = this.points.get(number)?.[4] ?? null;
      if (band && reason !== band.reason) {
        const x = this.x(band.from), end = this.x(number);
        parts.push(draw("rect", { class: "unscored", x, y: this.y(1), width: end - x, height: this.y(0) - this.y(1), fill: "url(#hatch)" }));
        const words = say(`reason.${band.reason}`);
        if (end - x > 7 * words.length) parts.push(draw("text", { class: "why", x: (x + end) / 2, y: this.y(0) - 8, "text-anchor": "middle" }, words));
        band = null;
      }
      if (reason && !band) band = { reason, from: number };
    }
    return parts;
  }

  alerts() {
    const parts = [];
    for (const [kind, start, end] of this.spans) {
      const from = Math.max(this.x(start / STEP_S), LEFT), to = end === null ? this.x(this.end) : this.x(end / STEP_S);
      if (to < LEFT) continue;
      const width = Math.max(to - from, 3), words = say(`alert.${kind}`);
      parts.push(draw("rect", { class: "alerted", x: from, y: this.y(1), width, height: this.y(0) - this.y(1) }));
      parts.push(draw("rect", { class: "alarm", x: from, y: TOP - 6, width, height: 4, rx: 2 }));
      const right = from + 7 * words.length > this.width - RIGHT;
      parts.push(draw("text", { class: "alarm", x: right ? to : from, y: TOP - 12, "text-anchor": right ? "end" : "start" }, words));
    }
    return parts;
  }

  line(column, name) {
    const runs = [];
    let run = null;
    for (let number = this.end - HOUR + 1; number <= this.end; number++) {
      const point = this.points.get(number);
      if (!point || point[column] === null) {
        run = null;
        continue;
      }
      const place = `${this.x(number + 0.5).toFixed(1)} ${this.y(point[column]).toFixed(1)}`, low = point[3] < LOW;
      if (!run || run.low !== low) {
        const joined = run ? [run.places.at(-1), place] : [place];
        run = { low, places: joined };
        runs.push(run);
      } else run.places.push(place);
    }
    return runs.map(({ low, places }) =>
      draw("path", { class: `curve ${name}${low ? " faint" : ""}`, d: places.length > 1 ? `M${places.join("L")}` : `M${places[0]}h1.5` }),
    );
  }

  cursor() {
    if (this.chosen === null) return [];
    const x = this.x(this.chosen + 0.5), point = this.points.get(this.chosen);
    const parts = [draw("line", { class: "cursor", x1: x, x2: x, y1: this.y(1), y2: this.y(0) })];
    if (point) for (const [column, name] of [[1, "engagement"], [2, "satisfaction"]])
      if (point[column] !== null) parts.push(draw("circle", { class: `dot ${name}`, cx: x, cy: this.y(point[column]), r: 4 }));
    return parts;
  }

  point(left) {
    const share = (left - LEFT) / (this.width - LEFT - RIGHT);
    this.choose(share < 0 || share > 1 ? null : Math.floor(this.end - HOUR + share * HOUR));
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[event.key];
    if (step === undefined && event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    if (event.key === "Home") this.choose(this.end - HOUR + 1);
    else if (event.key === "End") this.choose(this.end);
    else this.choose(Math.min(this.end, Math.max(this.end - HOUR + 1, (this.chosen ?? this.end) + step)));
  }

  choose(number) {
    if (number === this.chosen) return;
    this.chosen = number;
    text(this.readout, number === null ? this.help : this.words(number));
    this.draw();
  }

  words(number) {
    const at = clock(number * STEP_S), point = this.points.get(number);
    if (!point) return `${at}: ${say("ui.unobserved")}`;
    if (point[3] === null) return `${at}: ${say("sentence.no_scores", { reason: say(`reason.${point[4]}`) })}`;
    const parts = [];
    if (point[1] !== null) parts.push(`${say("ui.engagement")} ${percent(point[1])}`);
    if (point[2] !== null) parts.push(`${say("ui.satisfaction")} ${percent(point[2])}`);
    parts.push(`${say("ui.confidence")} ${percent(point[3])}`);
    return `${at}: ${parts.join(", ")}`;
  }

  // Means of five minutes, the newest first.
  table() {
    const rows = [];
    for (let block = 0; block < 12; block++) {
      const last = this.end - block * 30, points = [];
      for (let number = last - 29; number <= last; number++) if (this.points.has(number)) points.push(this.points.get(number));
      const mean = (column) => {
        const values = points.map((point) => point[column]).filter((value) => value !== null);
        return values.length ? percent(values.reduce((sum, value) => sum + value, 0) / values.length) : "–";
      };
      const unscored = points.filter((point) => point[3] === null).length;
      const row = document.createElement("tr");
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = `${clock((last - 29) * STEP_S)}`;
      row.append(head);
      for (const value of [mean(1), mean(2), mean(3), unscored ? duration(unscored * STEP_S) : "–"]) {
        const cell = document.createElement("td");
        cell.textContent = value;
        row.append(cell);
      }
      rows.push(row);
    }
    this.rows.replaceChildren(...rows);
  }
}

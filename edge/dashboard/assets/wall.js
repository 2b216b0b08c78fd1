// The wall: a tile for each room; only what differs in a tile is touched.

import { TONES, attribute, bar, connect, find, icon, percent, refused, say, show, steps, text } from "/assets/live.js";

const list = find("tiles"), template = find("tile").content.firstElementChild;
const tiles = new Map();
const order = new Intl.Collator(undefined, { numeric: true });

class Tile {
  constructor(told) {
    this.element = template.cloneNode(true);
    const part = (selector) => this.element.querySelector(selector);
    this.link = part("a");
    this.use = part(".what use");
    this.label = part(".label");
    this.why = part(".why");
    this.engagement = [part(".engagement b"), part(".engagement em")];
    this.satisfaction = [part(".satisfaction b"), part(".satisfaction em")];
    this.steps = part(".steps");
    this.sure = part(".sure");
    this.alert = part(".alert");
    this.alertWords = part(".alert span");
    text(part(".site"), told.site);
    text(part(".name"), told.room);
    this.name = `${told.site}/${told.room}`;
    this.link.href = `/room?${new URLSearchParams({ site: told.site, room: told.room })}`;
  }

  tell(told) {
    const scored = told.tone === "trusted" || told.tone === "low";
    this.tone = told.tone;
    this.alerts = told.alerts;
    attribute(this.element, "data-tone", told.tone);
    attribute(this.element, "data-sequence", String(told.sequence));
    attribute(this.element, "data-label", told.label ?? "unknown");
    icon(this.use, scored ? told.label ?? "unknown" : TONES[told.tone]);
    text(this.label, scored ? say(`label.${told.label ?? "unknown"}`) : say(`tone.${told.tone}`));
    text(this.why, scored ? "" : told.sentence);
    for (const [[value, length], share] of [[this.engagement, told.engagement], [this.satisfaction, told.satisfaction]]) {
      text(value, share === null ? "–" : String(Math.round(share * 100)));
      bar(length, share);
    }
    steps(this.steps, told.confidence);
    text(this.sure, told.confidence === null ? "" : say("ui.sure", { share: percent(told.confidence) }));
    show(this.alert, told.alerts.length > 0);
    text(this.alertWords, told.alerts.map((kind) => say(`alert.${kind}`)).join(", "));
  }
}

function place(tile) {
  let low = 0, high = list.children.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order.compare(list.children[middle].dataset.name, tile.name) < 0) low = middle + 1;
    else high = middle;
  }
  tile.element.dataset.name = tile.name;
  list.insertBefore(tile.element, list.children[low] ?? null);
}

function filter() {
  const wanted = find("find").value.trim().toLowerCase(), alerts = find("alerts-only").checked;
  for (const tile of tiles.values())
    show(tile.element, tile.name.toLowerCase().includes(wanted) && (!alerts || tile.alerts.length > 0));
}

function count() {
  const all = [...tiles.values()];
  const counts = {
    rooms: all.length,
    alerts: all.filter((tile) => tile.alerts.length).length,
    closed: all.filter((tile) => tile.tone === "closed").length,
    offline: all.filter((tile) => tile.tone === "offline").length,
  };
  for (const [name, number] of Object.entries(counts)) text(find(`count-${name}`), String(number));
  show(find("empty"), all.length === 0);
  text(find("announce"), counts.alerts ? `${counts.alerts} ${say("count.alerts")}` : "");
}

connect("", (news) => {
  if (news.again) {
    tiles.clear();
    list.replaceChildren();
  }
  for (const [site, room] of news.gone ?? []) {
    tiles.get(`${site}/${room}`)?.element.remove();
    tiles.delete(`${site}/${room}`);
  }
  if (!news.wall) return;
  for (const told of news.wall.rooms) {
    const name = `${told.site}/${told.room}`;
    let tile = tiles.get(name);
    if (!tile) {
      tile = new Tile(told);
      tiles.set(name, tile);
      place(tile);
    }
    tile.tell(told);
  }
  refused(find("refused"), news.wall.refused);
  count();
  filter();
});

find("filter").addEventListener("input", filter);
find("filter").addEventListener("submit", (event) => event.preventDefault());

// One room: what is published of it, as text and as lengths.

import { Chart } from "/assets/chart.js";
import { TONES, attribute, bar, connect, duration, find, icon, percent, refused, say, show, steps, text, words } from "/assets/live.js";

const STATES = ["engagement", "boredom", "confusion", "frustration"], MODALITIES = ["face", "engagement", "speech"], OUTSIDE = ["physiology", "behaviour", "text"];
const ANNOUNCE_MS = 15000, OBEY_MS = 5000;

const page = find("room"), { site, room } = page.dataset;
const chart = new Chart(find("chart"), find("readout"), find("rows"));
let newest = null, cameAt = 0, announced = 0, waiting = null;

const value = (share) => (share === null || share === undefined ? "–" : percent(share));
// Of a reliability, what is above an even chance: that alone tells anything.
const trust = (reliability) => Math.max(0, 2 * reliability - 1);
const hundred = (share) => String(Math.round(share * 100));
const signed = (number) => number.toLocaleString(document.documentElement.lang, { signDisplay: "exceptZero", minimumFractionDigits: 2 });
const date = (day) => new Date(`${day}T00:00:00`).toLocaleDateString(document.documentElement.lang, { dateStyle: "medium" });

function chip(id, name, words, warn) {
  const element = find(id);
  icon(element.querySelector("use"), name);
  text(element.lastElementChild, words);
  element.classList.toggle("warn", warn);
}

function facts(id, pairs) {
  const list = find(id), known = pairs.filter(([, words]) => words !== null);
  while (list.children.length > known.length) list.lastElementChild.remove();
  while (list.children.length < known.length) {
    const pair = document.createElement("div");
    pair.append(document.createElement("dt"), document.createElement("dd"));
    list.append(pair);
  }
  known.forEach(([name, words], index) => {
    text(list.children[index].firstElementChild, say(name));
    text(list.children[index].lastElementChild, words);
  });
}

function tell(told) {
  newest = told;
  cameAt = performance.now();
  const { tone, privacy, health } = told, scored = tone === "trusted" || tone === "low";
  const affect = scored ? told.affect : null;
  attribute(page, "data-tone", tone);
  attribute(page, "data-sequence", String(told.affect?.sequence ?? ""));
  text(find("sentence"), told.sentence);
  scores(affect, tone);
  document.title = `${told.alerts.length ? "● " : ""}${room}, ${site} · AffectFusion`;
  alerts(told.alerts);
  text(find("engaged-so-far"), value(told.session?.engagement?.engagement));
  text(find("satisfied-so-far"), told.session?.satisfaction == null ? "–" : hundred(told.session.satisfaction));
  text(find("coverage"), told.session ? percent(told.session.coverage) : "–");
  tellWhy(affect, tone, told.why);
  tellPrivacy(privacy);
  tellHealth(health, told.status);
  tellSession(told.session);
  const clock = find("chip-clock");
  show(clock, told.clock !== null);
  if (told.clock) text(clock.lastElementChild, say(told.clock[0] ? "ui.clock_ahead" : "ui.clock_behind", { duration: told.clock[1] }));
  refused(find("chip-invalid"), [told.invalid, 0, 0]);
  chart.tell(told.points, told.spans, told.now);
  controls(told);
  age();
}

function scores(affect, tone) {
  const engagement = affect?.engagement ?? null, label = engagement ? engagement.label ?? "none" : "unknown";
  icon(find("sentence-icon"), affect ? label : TONES[tone]);
  icon(find("label-icon"), affect ? label : TONES[tone]);
  attribute(page, "data-label", label);
  text(find("label"), affect ? say(`label.${label}`) : say(`tone.${tone}`));
  for (const state of STATES) {
    bar(find(`p-${state}`), engagement?.[state]);
    text(find(`v-${state}`), value(engagement?.[state]));
  }
  const satisfaction = affect?.satisfaction ?? null;
  text(find("satisfaction"), satisfaction === null ? "–" : hundred(satisfaction));
  text(find("valence"), affect?.valence == null ? "–" : signed(affect.valence));
  show(find("needle"), satisfaction !== null);
  if (satisfaction !== null) find("needle").style.left = `${satisfaction * 100}%`;
  steps(find("confidence-steps"), affect?.confidence);
  text(find("confidence"), value(affect?.confidence));
  text(find("group"), affect || tone === "abstaining" ? newest.affect.group.replace("-", "–") : "–");
}

// How much of the score each modality carries, how far it is to be trusted, what holds it back and what helps.
function tellWhy(affect, tone, why) {
  for (const modality of [...MODALITIES, ...OUTSIDE]) {
    const there = affect?.reliability[modality] !== undefined, weight = affect?.weights?.[modality], own = MODALITIES.includes(modality);
    show(find(`row-${modality}`), own || there);
    bar(find(`w-${modality}`), weight);
    text(find(`m-${modality}`), affect && own && !there ? say(`absent.${modality}`) : value(weight));
    show(find(`why-${modality}`).parentElement, there);
    steps(find(`t-${modality}-steps`), there ? trust(affect.reliability[modality]) : undefined);
    text(find(`why-${modality}`), there ? why.modalities[modality] : "");
  }
  tellLine("pull", affect ? why.pull : "");
  tellLine("remedy", tone === "abstaining" || tone === "closed" ? why.remedy : "");
}

function tellLine(id, words) {
  show(find(id), words !== "");
  text(find(id), words);
}

function alerts(list) {
  const holder = find("alerts"), items = holder.firstElementChild;
  show(holder, list.length > 0);
  while (items.children.length > list.length) items.lastElementChild.remove();
  while (items.children.length < list.length) items.append(document.createElement("li"));
  list.forEach(([kind, length], index) => text(items.children[index], say("ui.alert_since", { alert: say(`alert.${kind}`), duration: length })));
}

function tellPrivacy(privacy) {
  const state = privacy?.state ?? null, open = state === "capturing";
  const words = state === null ? "–" : open ? say("privacy.capturing") : say(`reason.${state}`);
  chip("chip-privacy", state === null ? "unknown" : open ? "open" : "closed", `${say("ui.privacy")}: ${words}`, false);
  facts("privacy-facts", [
    ["privacy.state", words],
    ["privacy.muted_by", privacy?.muted_by ? say(`muted_by.${privacy.muted_by}`) : null],
    ["privacy.purpose", privacy ? (privacy.purpose ? say(`purpose.${privacy.purpose}`) : "–") : "–"],
    ["privacy.jurisdiction", privacy?.jurisdiction || "–"],
    ["privacy.minimum_group", privacy ? String(privacy.minimum_group) : "–"],
    ["privacy.consent_until", privacy?.consent_until ? date(privacy.consent_until) : null],
  ]);
}

function tellHealth(health, status) {
  const troubles = health ? troubled(health) : [];
  const words = status === "offline" ? say("tone.offline") : health ? troubles[0] ?? say("health.well") : "–";
  const bad = status === "offline" || troubles.length > 0;
  chip("chip-health", !health && !bad ? "unknown" : bad ? "frustration" : "engagement", `${say("ui.health")}: ${words}`, bad);
  facts("health-facts", [
    ["health.camera", health ? say(`sensor.${health.camera}`) : "–"],
    ["health.microphone", health ? say(`sensor.${health.microphone}`) : "–"],
    ["health.rate", health ? say("health.of_rate", { rate: health.rate_hz.toFixed(1), target: health.target_hz.toFixed(1) }) : "–"],
    ["health.load", health ? say(`load.${health.load}`) : "–"],
    ["health.temperature", health?.temperature_c == null ? null : `${health.temperature_c.toFixed(0)} °C`],
    ["health.memory", health ? `${health.rss_mib.toFixed(0)} MiB` : "–"],
    ["health.uptime", health ? duration(health.uptime_s) : "–"],
    ["health.version", health?.version ?? "–"],
  ]);
}

function troubled(health) {
  const found = [];
  for (const sensor of ["camera", "microphone"])
    if (["lost", "frozen", "silent"].includes(health[sensor])) found.push(`${say(`health.${sensor}`)} ${say(`sensor.${health[sensor]}`)}`);
  if (health.undervoltage) found.push(say("health.undervoltage"));
  if (health.throttled) found.push(say("health.throttled"));
  if (health.load !== "normal") found.push(say(`load.${health.load}`));
  return found;
}

// A kind of lesson in words, or by the name that the box has for it.
const kind = (name) => words[`scenario.${name}`] ?? name;

function tellSession(session) {
  facts("session-facts", session
    ? [
        ["session.state", say(session.final ? "session.over" : "session.running")],
        ["do.scenario", session.scenario === undefined ? null : kind(session.scenario)],
        ["session.length", duration(session.seconds.total)],
        ["session.changes", String(session.transitions)],
        ["session.longest_low", duration(session.longest_low_s)],
      ]
    : [["session.state", say("session.none")]]);
}

// What time alone changes, and what is read aloud: not every second.
function age() {
  if (!newest) return;
  const seconds = newest.age_s === null ? null : newest.age_s + (performance.now() - cameAt) / 1000;
  chip("chip-age", "stale", seconds === null ? say("ui.age_unknown") : say("ui.age", { duration: duration(seconds) }), seconds === null || seconds >= 10);
  const now = performance.now();
  if (now - announced > ANNOUNCE_MS || announced === 0) {
    announced = now;
    text(find("announce"), newest.sentence);
  }
}

// Commands: what came of one is what the box publishes next.
const muteButton = find("mute");

function controls(told) {
  if (!muteButton) return;
  find("orders").disabled = false;
  const muted = told.privacy?.muted_by != null, here = told.privacy?.muted_by === "command";
  attribute(muteButton, "aria-pressed", String(muted));
  text(muteButton, say(muted ? "do.unmute" : "do.mute"));
  muteButton.disabled = told.privacy === null || (muted && !here);
  if (waiting?.(told)) settle(say("do.done"));
  else if (muted && !here && !waiting) text(find("told"), say("do.at_the_box"));
}

function settle(words) {
  waiting = null;
  text(find("told"), words);
}

function order(command, name, done) {
  text(find("told"), say("do.waiting"));
  waiting = done;
  if (!send({ v: 1, command, name })) return settle(say("do.failed"));
  setTimeout(() => waiting === done && settle(say("do.unanswered")), OBEY_MS);
}

if (muteButton) {
  muteButton.addEventListener("click", () => {
    const mute = muteButton.getAttribute("aria-pressed") !== "true";
    order(mute ? "mute" : "unmute", "", (told) => (told.privacy?.muted_by != null) === mute);
  });
  for (const button of document.querySelectorAll("[data-command]"))
    button.addEventListener("click", () => {
      const before = newest?.session, start = button.dataset.command === "start_session";
      order(button.dataset.command, "", (told) => told.session && (start ? told.session.id !== before?.id : told.session.final));
    });
  find("scenario-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = find("scenario").value;
    order("scenario", name, (told) => told.session?.scenario === name);
  });
  // Nothing that is published tells of this one at once.
  find("mark-form").addEventListener("submit", (event) => {
    event.preventDefault();
    text(find("told"), send({ v: 1, command: "mark", name: find("mark").value }) ? say("do.sent") : say("do.failed"));
  });
}

const send = connect(`?${new URLSearchParams({ site, room })}`, (news) => {
  if (news.again) chart.forget();
  if (news.told === false) settle(say("do.failed"));
  if (news.absent) attribute(page, "data-tone", "silent");
  if (news.page) tell(news.page);
});
find("rows").closest("details").addEventListener("toggle", () => chart.draw());
setInterval(age, 1000);

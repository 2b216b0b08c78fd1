// What both pages share: words, the live connection, and ways to change only what differs.

export const words = JSON.parse(document.getElementById("words").textContent);
export const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
export const percent = (share) => `${Math.round(share * 100)} %`;
export const find = (id) => document.getElementById(id);

export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

export function attribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

export function icon(use, name) {
  attribute(use, "href", `#i-${name}`);
}

// A bar's length; none for what is unknown.
export function bar(element, share) {
  const width = `scaleX(${share === null || share === undefined ? 0 : share})`;
  if (element.style.transform !== width) element.style.transform = width;
}

// Five steps of confidence.
export function steps(holder, share) {
  const filled = share === null || share === undefined ? -1 : Math.max(1, Math.round(share * 5));
  attribute(holder, "data-filled", String(filled));
}

export function duration(seconds) {
  for (const [unit, length] of [["days", 86400], ["hours", 3600], ["minutes", 60]])
    if (seconds >= length) return say(`duration.${unit}`, { count: Math.floor(seconds / length) });
  return say("duration.seconds", { count: Math.max(0, Math.floor(seconds)) });
}

export const TONES = { offline: "offline", closed: "closed", stale: "stale", silent: "unknown", abstaining: "unknown" };

const link = find("link");

function linked(state) {
  attribute(link, "data-link", state);
  text(link.lastElementChild, say(`link.${state}`));
  attribute(document.body, "data-link", state);
}

// Where a visit has ended, the page is answered with the way to the door.
function knock() {
  fetch(location.href, { redirect: "manual" }).then((answer) => answer.type === "opaqueredirect" && location.reload(), () => {});
}

// Says what is new, for as long as the page is open; a function to send with is returned.
export function connect(query, onNews) {
  let socket = null, pause = 500;
  const open = () => {
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live${query}`);
    socket.onmessage = (event) => {
      pause = 500;
      const news = JSON.parse(event.data);
      if ("connected" in news) linked(news.connected ? "live" : "broker");
      onNews(news);
    };
    socket.onclose = () => {
      linked("away");
      setTimeout(open, pause);
      knock();
      pause = Math.min(pause * 2, 5000);
    };
    socket.onopen = () => onNews({ again: true });
  };
  open();
  return (message) => {
    if (socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  };
}

export function refused(element, [invalid, crowded, flooded]) {
  const parts = [];
  if (invalid) parts.push(say(invalid === 1 ? "refused.invalid_one" : "refused.invalid", { count: invalid }));
  if (crowded) parts.push(say("refused.crowded", { count: crowded }));
  if (flooded) parts.push(say("refused.flooded", { count: flooded }));
  show(element, parts.length > 0);
  text(element, parts.join(" · "));
}

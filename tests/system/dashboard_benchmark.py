"""How fast, and at what cost, the dashboard shows what is published: ``python tests/system/dashboard_benchmark.py``.

From a message's hand-over to the MQTT client until the frame that shows it has been made, in Chromium on this machine,
with rooms that each say one state a second. Not a test: a busy machine makes it slow.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent), str(Path(__file__).parents[2])]

from browser import DashboardProcess, Visitor, chromium  # noqa: E402
from school import School  # noqa: E402
from services import Mosquitto, mosquitto_program  # noqa: E402

WATCH = """
window.seen = [];
new MutationObserver((changes) => {
  const shown = changes.map(({ target }) => [target.dataset.name ?? "", target.dataset.sequence]);
  // a task of its own after the frame's callbacks runs once the frame is made
  requestAnimationFrame(() => setTimeout(() => {
    const at = performance.timeOrigin + performance.now();
    for (const [name, sequence] of shown) window.seen.push([name, Number(sequence), at]);
  }));
}).observe(document.querySelector("main"), { subtree: true, attributeFilter: ["data-sequence"] });
"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
PAINTS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, nargs="+", default=[1, 200])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = [measure(count, options.seconds) for count in options.rooms]
    for result in results:
        print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def measure(count: int, seconds: float) -> dict[str, Any]:
    """Figures for one number of rooms."""
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        broker = Mosquitto(mosquitto_program(), Path(name), ["allow_anonymous true", "max_queued_messages 100000"])
        broker.start()
        dashboard = DashboardProcess(Path(name), broker.port)
        school = School(broker.port)
        try:
            rooms = school.rooms(count)
            for room in rooms:
                room.speak()
            time.sleep(2)
            visitor = Visitor(browser, dashboard.url)
            page = visitor.open("/?all" if count > 1 else "/room?site=north&room=r001")
            page.wait_for_timeout(2000)
            page.evaluate(WATCH)
            server, before = psutil.Process(dashboard.process.pid), cpu(browsers())
            served, began = sum(server.cpu_times()[:2]), time.monotonic()
            sent = {}
            for number in range(int(seconds * count)):
                # boxes do not speak in step: their messages are spread over each second
                if (early := began + number / count - time.monotonic()) > 0:
                    time.sleep(early)
                room = rooms[number % count]
                at = time.time()
                sent[room.base.strip("/").partition("/")[2], room.speak()] = at
            elapsed = time.monotonic() - began
            figures = {
                "rooms": count,
                "server_cpu": round((sum(server.cpu_times()[:2]) - served) / elapsed, 3),
                "browser_cpu": round((cpu(browsers()) - before) / elapsed, 3),
                "server_rss_mib": round(dashboard.rss_mib(), 1),
                "browser_pss_mib": round(sum(process.memory_full_info().pss for process in browsers()) / 2**20, 1),
            }
            page.wait_for_timeout(3000)
            alone = next(iter(sent))[0]
            seen = {(name or alone, sequence): at for name, sequence, at in reversed(page.evaluate("window.seen"))}
            delays = sorted((seen[key] / 1000 - at) * 1000 for key, at in sent.items() if key in seen)
            visitor.leave()
            paints = sorted(paint(Visitor(browser, dashboard.url)) for _ in range(PAINTS))
            return {
                **figures,
                "states": len(sent),
                "shown": len(delays),
                "latency_ms": {
                    f"p{share}": round(delays[int(share / 100 * (len(delays) - 1))]) for share in (50, 95, 99)
                },
                "first_paint_ms": {"median": round(median(paints)), "worst": round(paints[-1])},
                "load_average": round(os.getloadavg()[0], 1),
            }
        finally:
            school.close()
            dashboard.stop()
            broker.kill()


def paint(visitor: Visitor) -> float:
    """Milliseconds from the request for a page to the first of it on the screen, with nothing cached."""
    page = visitor.open("/?all")
    while (found := page.evaluate(PAINT)) is None:
        page.wait_for_timeout(100)
    visitor.leave()
    return float(found)


def browsers() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [process for process in children if "chrom" in process.name()]


def cpu(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


if __name__ == "__main__":
    main()

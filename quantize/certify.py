"""The certificate: a manifest's figures, from a report of ``evaluate`` and a benchmark, and the card they are told in.

A benchmark is the JSON that ``benchmark --json`` writes. Read are ``machine.processor``; for each
``models.NAME.KIND`` its ``bytes``, its ``sha256`` where there is one, and ``RUNTIME.threads.N`` with ``median_ms``,
``p90_ms``, ``p99_ms`` and ``runs``; and, where they are, ``ratios.NAME.int8`` and ``anchors``. The rest may be
anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from edge.errors import UserError
from edge.inference.store import Manifest
from quantize.certificates.certificate import card
from quantize.evaluate import COMPARED, KINDS
from quantize.evaluation.figures import HEADLINES
from quantize.files import write_bytes

RUNTIMES = tuple(dict.fromkeys(KINDS.values()))

CURVES = ("reliability",)
"""What is left to the reports: a certificate is read by people."""


class Timing(msgspec.Struct, frozen=True):
    """Milliseconds that an invocation took."""

    median_ms: float
    p90_ms: float
    p99_ms: float
    runs: int | None = None


class Measured(msgspec.Struct, frozen=True):
    """One runtime's times by number of threads; none where it does not run the file."""

    threads: dict[str, Timing] = {}


class Machine(msgspec.Struct, frozen=True):
    """Where it was measured."""

    processor: str


class Benchmark(msgspec.Struct, frozen=True):
    """The part of a benchmark that a certificate repeats: models by name, kind, and what was found.

    ``ratios`` are by name and kind, of bytes and of median latencies over float32's; ``anchors`` by "anchor / branch",
    of multiplications and, by kind and runtime, of processor time.
    """

    machine: Machine
    models: dict[str, dict[str, dict[str, Any]]]
    ratios: dict[str, dict[str, dict[str, float]]] = {}
    anchors: dict[str, dict[str, float | dict[str, float]]] = {}


def certified(manifest: Manifest, report: Mapping[str, Any], benchmark: Benchmark | None = None) -> Manifest:
    """``manifest`` with the figures of ``report``, and the times of ``benchmark`` or those it had.

    Raises UserError where the report is of another file, preprocessing or threshold, or of data seen in training.
    """
    made_with = {
        "file": (report["int8"]["sha256"], manifest.sha256),
        "preprocessing": (report["preprocessing_sha256"], manifest.preprocessing_sha256),
        "thresholds": (report["thresholds"], manifest.thresholds),
        "temperature": (report["temperature"], manifest.temperature),
    }
    for what, (theirs, ours) in made_with.items():
        if theirs != ours:
            raise UserError(f"{manifest.name}: the report is of another {what} ({theirs}, here {ours}); evaluate again")
    if report["seen"]:
        raise UserError(f"{manifest.name}: the report is of data seen in training, which certifies nothing")
    speed = {"latency": manifest.figures.get("latency", []), "ratios": manifest.figures.get("ratios", {})}
    figures: dict[str, Any] = {**report, **speed}
    for kind in COMPARED:
        figures[kind] = {name: value for name, value in report[kind].items() if name not in CURVES}
    figures["drift"] = {
        decision: {name: value for name, value in moved.items() if name != "histogram"}
        for decision, moved in report["drift"].items()
    }
    if benchmark is not None:
        figures["latency"] = _latency(manifest, report, benchmark)
        figures["ratios"] = _ratios(manifest, benchmark)
    return msgspec.structs.replace(manifest, figures=figures)


def encoded(manifest: Manifest) -> bytes:
    """The certificate as it is written: indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def write(manifest: Manifest, models: Path) -> None:
    """Writes the certificate and the card beside the model."""
    write_bytes(models / f"{manifest.name}.json", encoded(manifest))
    write_bytes(models / f"{manifest.name}.md", card(manifest).encode())


def read_report(path: Path, name: str) -> dict[str, Any]:
    """A report that ``evaluate --json`` wrote of the branch ``name``. Raises UserError where it is none."""
    try:
        report = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; `affect-quantize evaluate {name} --json {path}` writes it") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a report of `affect-quantize evaluate` ({error})") from error
    if not _whole(report):
        raise UserError(f"{path}: not a whole report of `affect-quantize evaluate`; evaluate again")
    if report["branch"] != name:
        raise UserError(f"{path}: is a report of {report['branch']!r}, not of {name!r}")
    return dict(report)


def figures_of(manifest: Manifest) -> dict[str, Any]:
    """The figures that a certificate has already. Raises UserError where it has none, or an older program's."""
    if not _whole(manifest.figures):
        raise UserError(f"{manifest.name}.json: has no figures of this program's; give --data or --report")
    return manifest.figures


def _whole(report: Any) -> bool:
    """Whether it has all that certificate and card need."""
    needed = {"branch", "n", "seen", "thresholds", "temperature", "preprocessing_sha256", "drift", "conditions"}
    kinds = {*HEADLINES, "sha256", "bytes"}
    return (
        isinstance(report, dict)
        and needed <= set(report)
        and all(isinstance(report.get(kind), dict) and kinds <= set(report[kind]) for kind in COMPARED)
    )


def read_benchmark(path: Path) -> Benchmark:
    """Raises UserError where ``path`` is no benchmark."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Benchmark)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"{path}: not a benchmark ({error})") from error


def _latency(manifest: Manifest, report: Mapping[str, Any], benchmark: Benchmark) -> list[dict[str, Any]]:
    """A row for every time that was taken of the very files that the report is of."""
    rows = []
    for kind, found in benchmark.models.get(manifest.name, {}).items():
        if kind not in COMPARED:
            continue
        file = {name: report[kind][name] for name in ("bytes", "sha256")}
        if {**file, **{name: value for name, value in found.items() if name in file}} != file:
            raise UserError(f"{manifest.name}: the benchmark is of another {kind} file; measure again")
        for runtime in RUNTIMES:
            try:
                measured = msgspec.convert(found.get(runtime, {}), Measured)
            except msgspec.ValidationError as error:
                raise UserError(f"{manifest.name}: not a benchmark of {kind} in {runtime} ({error})") from error
            for threads, timing in measured.threads.items():
                where = {"machine": benchmark.machine.processor, "kind": kind, "runtime": runtime}
                rows.append({**where, "threads": int(threads), **msgspec.to_builtins(timing)})
    if not any(row["kind"] == "int8" for row in rows):
        raise UserError(f"{manifest.name}: the benchmark has no time of its int8 file")
    return rows


def _ratios(manifest: Manifest, benchmark: Benchmark) -> dict[str, Any]:
    """int8 over float32, and each of the paper's networks over this one, where they were measured together."""
    beside = f" / {manifest.name}"
    return {
        "int8": benchmark.ratios.get(manifest.name, {}).get("int8", {}),
        "anchors": {
            pair.removesuffix(beside): found for pair, found in benchmark.anchors.items() if pair.endswith(beside)
        },
    }

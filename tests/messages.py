"""Messages as a box publishes them."""

from __future__ import annotations

import json
import time
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from edge.publish.payloads import HealthPayload, timestamp
from edge.publish.schema import validate
from edge.words.sentence import Message

NOW = 1_790_000_000.0
"""Seconds since 1970."""

HEALTH = HealthPayload(
    fps=15.0,
    rate_hz=7.5,
    target_hz=7.5,
    load="normal",
    lag_ms=80.0,
    dropped_frames=0,
    dropped_audio_s=0.0,
    latency_ms={"mesh": 1.234},
    rss_mib=180.0,
    temperature_c=48.5,
    undervoltage=False,
    throttled=None,
    queue=0,
    lost=0,
    camera="live",
    microphone="live",
    version="0.1.0",
    runtime="litert",
    models={"face_emotion": "0123456789ab"},
    uptime_s=10.0,
)
"""How a box says that it is well."""


def affect(**changes: Any) -> Message:
    message: Message = {
        "v": 1,
        "time": timestamp(NOW - 1),
        "sequence": 7,
        "window_s": 3.0,
        "group": "5-9",
        "engagement": {"label": "engagement", "boredom": 0.1, "confusion": 0.1, "engagement": 0.8, "frustration": 0.0},
        "valence": 0.3,
        "satisfaction": 0.65,
        "confidence": 0.7,
        "reliability": {"face": 0.8, "engagement": 0.7},
        "abstain": None,
        "weights": {"face": 0.62, "engagement": 0.38},
        "limits": {"face": "pose"},
    }
    message |= changes
    validate("affect", message)
    return message


def now(**changes: Any) -> str:
    """A state of this moment, as it is sent."""
    return json.dumps(affect(**({"time": timestamp(time.time())} | changes)))


def older(**changes: Any) -> Message:
    """As a box says it that does not know what its scores rest on."""
    return {name: value for name, value in affect(**changes).items() if name not in ("weights", "limits")}


def silent(reason: str) -> Message:
    nothing: Message = {"engagement": None, "valence": None, "satisfaction": None, "confidence": 0.0, "reliability": {}}
    return older(abstain=reason, **nothing)


def privacy(state: str = "capturing", since: float = NOW - 720) -> Message:
    message = {
        "v": 1,
        "state": state,
        "reason": "words",
        "since": timestamp(since),
        "minimum_group": 5,
        "muted_by": "button" if state == "muted" else None,
        "consent_until": None,
        "purpose": "research",
        "jurisdiction": "US",
        "mode": "room",
    }
    validate("privacy", message)
    return message


def health(**changes: Any) -> Message:
    message: Message = {
        "v": 1,
        "fps": 15.0,
        "rate_hz": 7.5,
        "target_hz": 7.5,
        "load": "normal",
        "lag_ms": 180.0,
        "dropped_frames": 3,
        "dropped_audio_s": 0.0,
        "latency_ms": {"mesh": 21.0},
        "rss_mib": 212.0,
        "temperature_c": 54.0,
        "undervoltage": False,
        "throttled": False,
        "queue": 0,
        "lost": 0,
        "camera": "live",
        "microphone": "none",
        "version": "1.0.0",
        "runtime": "litert",
        "models": {"engagement": "0123456789ab"},
        "uptime_s": 15300.0,
    }
    message |= changes
    validate("health", message)
    return message


def session(**changes: Any) -> Message:
    half = {"engaged": 0.6, "satisfaction": 0.6, "coverage": 0.9}
    message: Message = {
        "v": 1,
        "id": "20261121T0815",
        "started": timestamp(NOW - 1500),
        "scenario": "lecture",
        "ended": None,
        "final": False,
        "seconds": {"total": 1500.0, "scored": 1380.0, "abstained": {"too_few_faces": 120.0}},
        "engagement": {"boredom": 0.2, "confusion": 0.1, "engagement": 0.6, "frustration": 0.05, "none": 0.05},
        "valence": 0.2,
        "satisfaction": 0.61,
        "coverage": 0.92,
        "emotions": None,
        "transitions": 14,
        "longest_low_s": 95.0,
        "halves": {"first": half, "second": half},
        "activities": {},
    }
    message |= changes
    validate("session", message)
    return message


def leave(port: int, user: str | None = None, password: str | None = None, **topics: str) -> None:
    """Leaves retained messages of a room at a broker, as a box does."""
    client = Client(CallbackAPIVersion.VERSION2)
    if user is not None:
        client.username_pw_set(user, password)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for topic, text in topics.items():
        client.publish(f"affectfusion/school/lab/{topic}", text, 1, retain=True).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()

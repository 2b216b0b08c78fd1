"""What is done to sessions, case by case: the rows of the report of ``affect-quantize robustness``."""

from __future__ import annotations

from dataclasses import dataclass

from edge.features.moment import Own
from quantize.evaluation.conditions import FURTHER_PICTURES, FURTHER_SOUNDS, LANDMARKS, PICTURES, SOUNDS
from quantize.fusion.material import Damage

FACE_TO_LANDMARKS = {"occlusion_20": "jitter_1", "occlusion_40": "jitter_1", "occlusion_60": "jitter_3"}
"""What happens to the landmarks of a face that is spoilt so; everything else spoils the crop alone. An assumption: no
pictures of the landmarks' faces are there to be spoilt."""

MISSING = (0.2, 0.4, 0.6, 0.8)
"""Shares of time that a modality is missing."""


@dataclass(frozen=True)
class Case:
    """One row of the report: ``group`` says of which kind the damage is."""

    name: str
    title: str
    group: str
    damage: Damage


def cases() -> list[Case]:
    """All that is tried, first the sessions as they are."""
    found = [Case("clean", "as recorded", "clean", Damage())]
    for condition in (*PICTURES, *FURTHER_PICTURES):
        if condition.name == "occlusion_0":
            continue
        under: dict[Own, str] = {"face": condition.name}
        if condition.name in FACE_TO_LANDMARKS:
            under["engagement"] = FACE_TO_LANDMARKS[condition.name]
        found.append(Case(condition.name, f"face: {condition.title}", "face", Damage(under)))
    for condition in (*SOUNDS, *FURTHER_SOUNDS):
        if not condition.name.startswith("gain"):
            found.append(Case(condition.name, f"voice: {condition.title}", "voice", Damage({"speech": condition.name})))
    for condition in LANDMARKS:
        under = {"engagement": condition.name}
        found.append(Case(condition.name, f"track: {condition.title}", "track", Damage(under)))
    groups: dict[str, tuple[Own, ...]] = {
        "face": ("face",),
        "voice": ("speech",),
        "track": ("engagement",),
        "all": ("face", "speech", "engagement"),
    }
    for group, names in groups.items():
        for share in MISSING:
            damage = Damage(missing=dict.fromkeys(names, share))
            percent = round(100 * share)
            found.append(Case(f"{group}_missing_{percent}", f"{group}: missing {percent} % of the time", group, damage))
    worst = Damage(
        {"face": "occlusion_40", "speech": "snr_5", "engagement": "jitter_1"},
        {"face": 0.4, "speech": 0.4, "engagement": 0.4},
    )
    found.append(Case("everything", "40 % hidden, 5 dB, all missing 40 % of the time", "all", worst))
    return found

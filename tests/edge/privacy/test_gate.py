import pytest

from edge.config import Deployment
from edge.privacy.gate import Gate
from edge.signals import Abstention, Affect, Engagement, Limit
from edge.state import StateFolder

DECLARED = Deployment(purpose="research", jurisdiction="US", consent="signed forms, class 7b", minimum_group=5)
AFFECT = Affect(
    time=1.0,
    window_s=3.0,
    group=6,
    reliability={"face": 0.9},
    engagement=Engagement(0.1, 0.2, 0.8, 0.1, "engagement"),
    valence=0.4,
    satisfaction=0.7,
    confidence=0.9,
    weights={"face": 1.0},
    limits={"face": Limit.LIGHT},
)


def scores(affect: Affect) -> list[object]:
    return [
        affect.engagement,
        affect.valence,
        affect.satisfaction,
        affect.confidence,
        dict(affect.reliability),
        dict(affect.weights),
        dict(affect.limits),
    ]


NO_SCORES = [None, None, None, 0.0, {}, {}, {}]


def gate_of(deployment: Deployment) -> Gate:
    return Gate(deployment, StateFolder(None))


def test_a_declared_group_passes_unchanged() -> None:
    assert gate_of(DECLARED).admit(AFFECT) == AFFECT


def test_nothing_is_captured_until_everything_is_declared() -> None:
    gate = gate_of(Deployment(purpose="research"))
    assert gate.closed is Abstention.NOT_DECLARED
    assert "jurisdiction, consent" in gate.explanation
    assert scores(gate.admit(AFFECT)) == NO_SCORES


def test_blank_consent_is_no_consent() -> None:
    assert gate_of(Deployment(purpose="research", jurisdiction="US", consent="  ")).closed is Abstention.NOT_DECLARED


@pytest.mark.parametrize("jurisdiction", ["EU", "DE", "fr", "eu", "DE-BY", "EL"])
def test_education_in_the_eu_is_refused(jurisdiction: str) -> None:
    gate = gate_of(Deployment(purpose="education", jurisdiction=jurisdiction, consent="yes"))
    assert gate.closed is Abstention.PROHIBITED
    assert "AI Act" in gate.explanation
    assert scores(gate.admit(AFFECT)) == NO_SCORES


@pytest.mark.parametrize("purpose", ["medical", "safety"])
def test_medical_and_safety_reasons_are_allowed_in_the_eu(purpose: str) -> None:
    gate = gate_of(Deployment(purpose=purpose, jurisdiction="EU", consent="yes"))  # type: ignore[arg-type]
    assert gate.closed is None
    assert gate.explanation == ""


def test_mute_closes_the_gate_and_unmute_opens_it() -> None:
    gate = gate_of(DECLARED)
    gate.switch.turn(True, "command")
    assert gate.closed is Abstention.MUTED
    assert scores(gate.admit(AFFECT)) == NO_SCORES
    assert gate.admit(AFFECT).abstain is Abstention.MUTED
    gate.switch.turn(False, "command")
    assert gate.closed is None


def test_a_group_below_the_minimum_is_never_scored() -> None:
    few = gate_of(DECLARED).admit(Affect(**{f: getattr(AFFECT, f) for f in AFFECT.__slots__} | {"group": 4}))
    assert few.abstain is Abstention.TOO_FEW_FACES
    assert scores(few) == NO_SCORES


def test_an_abstention_keeps_its_own_reason() -> None:
    dark = Affect(
        time=1.0,
        window_s=3.0,
        group=0,
        reliability={"speech": 0.4},
        abstain=Abstention.TOO_DARK,
        weights={"speech": 1.0},
        limits={"speech": Limit.NOISE},
    )
    admitted = gate_of(DECLARED).admit(dark)
    assert admitted.abstain is Abstention.TOO_DARK
    assert scores(admitted) == NO_SCORES

"""What a drawn learner looks like: expression, pose and appearance, and a handful of varied presets."""

from __future__ import annotations

from dataclasses import dataclass

Bgr = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Expression:
    """What the face does; the default is a neutral, attentive face."""

    smile: float = 0.0
    """-1 (corners down) .. 1 (corners up, cheeks raised)."""
    open: float = 0.0
    """0 (mouth shut) .. 1 (wide open)."""
    brow: float = 0.0
    """-1 (lowered) .. 1 (raised)."""
    furrow: float = 0.0
    """-1 (inner ends of the brows raised, as in worry) .. 1 (drawn together and down, as in anger)."""
    lids: float = 1.0
    """0 (eyes shut) .. 1 (open)."""
    gaze_x: float = 0.0
    """-1 (left in the picture) .. 1 (right)."""
    gaze_y: float = 0.0
    """-1 (up) .. 1 (down)."""

    def towards(self, other: Expression, share: float) -> Expression:
        """The expression ``share`` (0..1) of the way to ``other``."""
        return Expression(*_between(self, other, share))


@dataclass(frozen=True)
class Pose:
    """How the head is turned, in degrees. Drawn well within 35 degrees of the camera."""

    yaw: float = 0.0
    """Positive turns the nose to the right in the picture."""
    pitch: float = 0.0
    """Positive lifts the chin."""
    roll: float = 0.0
    """Positive tilts the head clockwise in the picture."""

    def towards(self, other: Pose, share: float) -> Pose:
        """The pose ``share`` (0..1) of the way to ``other``."""
        return Pose(*_between(self, other, share))


def _between(one: Expression | Pose, other: Expression | Pose, share: float) -> list[float]:
    return [a + (b - a) * share for a, b in zip(vars(one).values(), vars(other).values(), strict=True)]


@dataclass(frozen=True)
class Hair:
    """A hairstyle in units of half the face's width (x right, y down, the eyes at y = -0.1)."""

    line: tuple[Point, ...]
    """The hairline over the forehead, from the left to the right."""
    volume: float = 0.14
    """How far the hair stands off the skull."""
    length: float = 0.35
    """The y at which the hair at the back ends; the chin is at 1.26, the shoulders at about 1.9."""
    curl: float = 0.0
    """Waviness of the outline."""
    bun: bool = False

    @property
    def shows_ears(self) -> bool:
        """Whether the hair ends above the jaw."""
        return self.length < 1.0


_SHORT = Hair(
    line=(
        (-1.02, -0.12),
        (-0.88, -0.52),
        (-0.52, -0.86),
        (0.0, -0.90),
        (0.52, -0.86),
        (0.88, -0.52),
        (1.02, -0.12),
    )
)
_PARTED = Hair(
    line=(
        (-1.03, -0.02),
        (-0.92, -0.42),
        (-0.60, -0.62),
        (-0.10, -0.78),
        (0.38, -0.98),
        (0.86, -0.60),
        (1.03, -0.02),
    ),
    volume=0.19,
    length=0.55,
)
_FRINGE = Hair(
    line=(
        (-1.04, 0.30),
        (-0.93, -0.18),
        (-0.72, -0.52),
        (-0.30, -0.57),
        (0.20, -0.54),
        (0.72, -0.52),
        (0.93, -0.18),
        (1.04, 0.30),
    ),
    volume=0.18,
    length=1.05,
)
_LONG = Hair(
    line=(
        (-1.04, 0.55),
        (-0.95, -0.02),
        (-0.78, -0.50),
        (-0.30, -0.84),
        (0.08, -1.02),
        (0.40, -0.84),
        (0.82, -0.48),
        (0.96, 0.0),
        (1.04, 0.55),
    ),
    volume=0.20,
    length=2.0,
)
_CURLY = Hair(
    line=(
        (-1.03, 0.0),
        (-0.90, -0.45),
        (-0.55, -0.76),
        (0.0, -0.80),
        (0.55, -0.76),
        (0.90, -0.45),
        (1.03, 0.0),
    ),
    volume=0.32,
    length=0.75,
    curl=0.02,
)
_BUN = Hair(
    line=(
        (-1.02, -0.10),
        (-0.88, -0.50),
        (-0.55, -0.84),
        (0.0, -0.96),
        (0.55, -0.84),
        (0.88, -0.50),
        (1.02, -0.10),
    ),
    volume=0.10,
    bun=True,
)


@dataclass(frozen=True)
class Appearance:
    """Who is drawn: nobody in particular. Colours are BGR, 0..255."""

    skin: Bgr
    hair: Bgr
    iris: Bgr
    clothing: Bgr
    style: Hair
    collar: Bgr | None = None
    """The colour of a shirt collar; None for a round neck."""
    glasses: bool = False
    jaw: float = 0.0
    """-1 (narrow) .. 1 (broad)."""


APPEARANCES = (
    Appearance((150, 178, 224), (44, 62, 96), (110, 96, 60), (128, 92, 48), _PARTED, jaw=0.3),
    Appearance((84, 120, 172), (40, 38, 44), (36, 52, 78), (70, 140, 206), _LONG),
    Appearance((60, 84, 128), (38, 36, 40), (28, 38, 56), (96, 128, 70), _CURLY, jaw=0.2),
    Appearance((164, 190, 232), (70, 130, 188), (140, 120, 70), (150, 110, 168), _FRINGE, jaw=-0.4),
    Appearance((112, 150, 200), (34, 36, 42), (30, 44, 64), (168, 150, 130), _SHORT, collar=(232, 232, 230), jaw=0.6),
    Appearance((154, 180, 228), (40, 66, 140), (96, 124, 84), (104, 150, 86), _BUN, jaw=-0.3),
    Appearance((74, 104, 152), (36, 38, 46), (34, 44, 62), (78, 70, 172), _SHORT, glasses=True, jaw=0.1),
    Appearance((120, 160, 208), (30, 38, 58), (44, 62, 84), (140, 120, 56), _FRINGE, jaw=-0.2),
)
"""Eight learners nobody has ever met."""

"""The branches this package trains, by name."""

from __future__ import annotations

from quantize.branches.base import Branch
from quantize.branches.engagement import Engagement
from quantize.branches.face_emotion import FaceEmotion
from quantize.branches.speech_emotion import SpeechEmotion

BRANCHES: dict[str, Branch] = {branch.name: branch for branch in (FaceEmotion(), Engagement(), SpeechEmotion())}

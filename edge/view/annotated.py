"""An annotated copy of a recording, for whoever asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edge.capture.sources import open_camera, open_microphone
from edge.clock import ManualClock
from edge.config import Settings
from edge.inference.store import ModelStore
from edge.pipeline import Pipeline, Sighting
from edge.playback import Moment, moments, play
from edge.privacy.gate import Gate
from edge.session.scenarios import chosen
from edge.signals import Affect, Frame
from edge.view.film import Film
from edge.view.overlay import Known, draw


class Annotator:
    """Plays the recording that ``settings`` name, as fast as it can be worked on, into a copy with all that is seen.

    Time comes from the recording: a slow machine makes the same copy as a fast one.
    """

    def __init__(self, settings: Settings, gate: Gate) -> None:
        """Raises UserError where the recording or the models cannot be read."""
        self._period_s = settings.fusion.period_s
        self._priors = chosen(settings.session).priors.by_state
        self._gate = gate
        store = ModelStore(settings.models.directory, settings.models.runtime, settings.models.threads)
        self._pipeline = Pipeline(settings, store, self._observe)
        self._camera = open_camera(settings.camera, ManualClock())
        self._microphone = None
        if settings.microphone.source != "none":
            self._microphone = open_microphone(settings.microphone, ManualClock())
        self._sightings: Sequence[Sighting] = ()
        self._affect: Affect | None = None

    def write(self, copy: Path, reached: Callable[[float], object]) -> None:
        """Writes ``copy`` and tells ``reached`` how far it is. Raises UserError, SourceLostError or DeviceError."""
        with Film(copy, with_sound=self._microphone is not None) as film:
            recording = self._filmed(moments(self._camera, self._microphone), film)
            for affect in play(recording, self._pipeline, self._gate, self._period_s, self._priors):
                self._affect = affect
                reached(affect.time)

    def _filmed(self, recording: Iterator[Moment], film: Film) -> Iterator[Moment]:
        """The same, each added to the film once the loop has dealt with it."""
        for item in recording:
            yield item
            if isinstance(item, Frame):
                film.picture(draw(item.image, Known(self._sightings, self._affect)), item.time)
            else:
                film.sound(item)

    def _observe(self, sightings: Sequence[Sighting]) -> None:
        self._sightings = sightings

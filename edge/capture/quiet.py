"""Keeps native libraries from writing to stderr, past the log; what matters the sources say themselves."""

from __future__ import annotations

import contextlib
import ctypes
import os

import cv2

_ERRORS_ONLY = 2
_SOUND_HANDLERS = (
    ("libasound.so.2", "snd_lib_error_set_handler"),
    ("libjack.so.0", "jack_set_error_function"),
    ("libjack.so.0", "jack_set_info_function"),
)


def quiet_opencv() -> None:
    """Silences FFmpeg's list of flaws in a damaged file and OpenCV's warnings about absent cameras."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.setLogLevel(_ERRORS_ONLY)


def quiet_sound_libraries() -> None:
    """Silences ALSA and JACK, which complain of cards a machine does not have; call after importing pyaudio.

    Their handler becomes a C function that ignores its arguments: a Python one would need memory that is both
    writable and executable, which the service's sandbox denies.
    """
    ignore = ctypes.CDLL(None).getpid
    for library, setter in _SOUND_HANDLERS:
        with contextlib.suppress(OSError, AttributeError):
            getattr(ctypes.CDLL(library, mode=os.RTLD_NOLOAD | os.RTLD_NOW), setter)(ignore)

"""The networks that the paper ran where ours run now, with random weights: latency and size do not depend on them.

AffectFusion (Ajadalu, Attafuah, Hill 2025) reads faces with ResNet-101 and speech with a convolutional network on the
raw waveform.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quantize.conversion import capped
from quantize.conversion.capped import Caps
from quantize.files import write_bytes

SAMPLES = 4
"""Random inputs that set the int8 ranges; what the network says does not matter here."""


@dataclass(frozen=True)
class Anchor:
    """A network of the paper: the branch it stands beside, its input's shape, and how it is built in Keras."""

    branch: str
    shape: tuple[int, ...]
    build: Callable[[], Any]


def files(name: str, folder: Path, caps: Caps) -> dict[str, Path]:
    """The anchor's file of each kind, built into ``folder`` where it is not there yet. Raises UserError on failure."""
    from quantize.conversion.converter import KINDS

    found = {kind: folder / f"{name}-{kind}.tflite" for kind in KINDS}
    if not all(path.is_file() for path in found.values()):
        with tempfile.TemporaryDirectory() as temporary:
            inputs = Path(temporary) / "random.npy"
            shape = (SAMPLES, *ANCHORS[name].shape)
            np.save(inputs, np.random.default_rng(0).normal(size=shape).astype(np.float32))
            capped.run(name, "quantize.conversion.converter", name, inputs, temporary, caps=caps)
            for kind, path in found.items():
                write_bytes(path, (Path(temporary) / f"{kind}.tflite").read_bytes())
    return found


def _resnet101() -> Any:
    import tensorflow as tf

    return tf.keras.applications.ResNet101(weights=None, input_shape=ANCHORS["resnet101"].shape, classes=7)


def _raw_waveform_cnn() -> Any:
    """Three blocks of convolution and pooling over five seconds at 22.05 kHz, then a dense layer and a sigmoid."""
    import tensorflow as tf

    L = tf.keras.layers
    inputs = x = L.Input(ANCHORS["raw_waveform_cnn"].shape)
    for width, kernel in ((16, 60), (32, 16), (64, 8)):
        x = L.Conv1D(width, kernel, strides=2, padding="same", activation="relu")(x)
        if width == 64:
            x = L.BatchNormalization()(x)
        x = L.MaxPool1D(4)(x)
    x = L.Dense(60, activation="relu")(L.GlobalAveragePooling1D()(x))
    return tf.keras.Model(inputs, L.Dense(1, activation="sigmoid")(x))


ANCHORS = {
    "resnet101": Anchor("face_emotion", (224, 224, 3), _resnet101),
    "raw_waveform_cnn": Anchor("speech_emotion", (110_250, 1), _raw_waveform_cnn),
}

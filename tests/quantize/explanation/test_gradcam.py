from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.errors import UserError

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="Grad-CAM needs TensorFlow, which is not installed here"
)


def light_and_dark() -> Any:
    """Two logits: how much of a picture is brighter than zero, and how much is darker."""
    import tensorflow as tf

    L = tf.keras.layers
    inputs = L.Input((None, None, 1))
    split = L.Conv2D(2, 1, activation="relu", use_bias=False, name="split")
    x = L.GlobalAveragePooling2D()(L.AveragePooling2D(4)(split(inputs)))
    model = tf.keras.Model(inputs, L.Dense(2, name="logits")(x))
    split.set_weights([np.array([[[[1.0, -1.0]]]])])
    model.get_layer("logits").set_weights([np.eye(2), np.array([0.5, 0.0])])
    return model


def test_the_map_is_where_the_decision_is_made() -> None:
    from quantize.explanation.gradcam import GradCam

    picture = np.zeros((1, 16, 16, 1), np.float32)
    picture[0, :, :8] = 1.0  # the left half alone is bright,
    picture[0, 12:, 8:] = -1.0  # and a corner on the right alone is dark
    network = GradCam(light_and_dark())
    bright, dark = (network.maps(picture, np.array([label]))[0] for label in (0, 1))
    assert bright.shape == (4, 4)
    assert (bright[:, :2] > 0).all() and (bright[:, 2:] == 0).all()
    assert (dark[3, 2:] > 0).all() and dark[:3].max() == 0 and dark[:, :2].max() == 0


def test_the_map_adds_up_to_the_logit_but_for_the_bias() -> None:
    import tensorflow as tf

    from quantize.explanation.gradcam import GradCam
    from quantize.models.face_emotion import face_emotion

    tf.keras.utils.set_random_seed(0)
    model = face_emotion(7, widths=(4, 4, 4, 4, 8))
    model.get_layer("logits").bias.assign(np.arange(7) / 10)
    pictures = np.random.default_rng(0).normal(size=(5, 48, 48, 1)).astype(np.float32)
    labels = np.array([0, 3, 6, 1, 1])
    network = GradCam(model)
    logits = network.logits(pictures)
    maps = network.maps(pictures, labels)
    assert maps.shape == (5, 3, 3)
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), logits[np.arange(5), labels] - labels / 10, atol=1e-4)


def test_it_says_what_the_device_says_and_looks_at_the_mirror_image_alike(tmp_path: Path) -> None:
    import tensorflow as tf

    from quantize.explanation import gradcam
    from quantize.models.face_emotion import face_emotion, with_mirror

    tf.keras.utils.set_random_seed(0)
    served = with_mirror(face_emotion(7, widths=(4, 4, 4, 4, 4)), 48, batch=1)
    served.save(tmp_path / "model.keras")
    network = gradcam.load(tmp_path / "model.keras")
    picture = np.random.default_rng(0).normal(size=(1, 48, 48, 1)).astype(np.float32)
    np.testing.assert_allclose(network.logits(picture), served.predict(picture, verbose=0), atol=1e-5)
    label = np.array([2])
    turned = network.maps(picture[:, :, ::-1], label)
    np.testing.assert_allclose(turned[:, :, ::-1], network.maps(picture, label), atol=1e-5)


@pytest.mark.parametrize("kind", ["no network", "no pooling", "damaged"])
def test_another_file_is_one_line_that_names_it(kind: str, tmp_path: Path) -> None:
    import tensorflow as tf

    from quantize.explanation import gradcam

    L = tf.keras.layers
    file = tmp_path / "model.keras"
    if kind == "damaged":
        file.write_bytes(b"no model")
    else:
        inner = tf.keras.Sequential([L.Input((4,)), L.Dense(2)])
        inputs = L.Input((4,))
        tf.keras.Model(inputs, inner(inputs) if kind == "no pooling" else L.Dense(2)(inputs)).save(file)
    with pytest.raises(UserError, match=r"model\.keras: ") as caught:
        gradcam.load(file)
    assert "\n" not in str(caught.value)

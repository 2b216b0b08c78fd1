"""Networks rewritten for int8: the same answers in float, nearly the same in int8."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.signals import Float32Array
from quantize.cli import main

tf = pytest.importorskip("tensorflow", reason="converting needs TensorFlow, which is not installed here")
L = tf.keras.layers

equalisation = pytest.importorskip("quantize.conversion.equalisation")

WAVE, PICTURE = (40, 2), (12, 12, 3)


def _sequence(*layers: Any) -> Callable[[Any], Any]:
    def through(x: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    return through


def _behind_pooling(x: Any) -> Any:
    """As in the AffectFusion authors' network: convolution with ReLU, normalisation, pooling."""
    x = _sequence(L.Conv1D(8, 5, strides=2, padding="same", activation="relu"), L.MaxPool1D(2), L.Dropout(0.2))(x)
    x = _sequence(L.Conv1D(8, 3, activation="relu"), L.BatchNormalization(), L.MaxPool1D(2))(x)
    return _sequence(L.GlobalAveragePooling1D(), L.Dense(6, activation="relu"), L.Dropout(0.1), L.Dense(3))(x)


def _before_padding(x: Any) -> Any:
    x = _sequence(L.Conv1D(8, 5), L.ReLU(), L.BatchNormalization(), L.Conv1D(8, 3, padding="same"))(x)
    return _sequence(L.LeakyReLU(0.1), L.Flatten(), L.Dense(2, activation="sigmoid"))(x)


def _pictures(x: Any) -> Any:
    x = _sequence(L.Conv2D(8, 3, use_bias=False), L.BatchNormalization(), L.Activation("relu"))(x)
    x = _sequence(L.DepthwiseConv2D(3, activation="relu"), L.BatchNormalization(), L.Conv2D(8, 1, use_bias=False))(x)
    return _sequence(L.ReLU(6.0), L.AveragePooling2D(2), L.Flatten(), L.Dense(4), L.Softmax())(x)


def _branches(x: Any) -> Any:
    x = _sequence(L.Conv2D(8, 3, activation="relu"), L.BatchNormalization())(x)
    y = _sequence(L.Conv2D(8, 3, padding="same", activation="tanh"), L.Conv2D(8, 1))(x)
    return _sequence(L.Add(), L.GlobalMaxPool2D(), L.Dense(3))([x, y])


def _shared(x: Any) -> Any:
    again = L.Dense(8, activation="relu")
    x = _sequence(L.Conv2D(8, 3, activation="relu"), L.GlobalAveragePooling2D(), again, L.BatchNormalization(), again)(
        x
    )
    return L.Dense(2)(x)


def _network(shape: tuple[int, ...], through: Callable[[Any], Any], negative: bool = False) -> Any:
    """With weights as training leaves them: some normalised channels reach a thousand times as far as others."""
    tf.keras.utils.set_random_seed(1)
    inputs = L.Input(shape)
    model = tf.keras.Model(inputs, through(inputs))
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            count = layer.gamma.shape[0]
            spread = rng.permutation(np.logspace(-1.5, 1.5, count)).astype(np.float32)
            signs = np.where(np.arange(count) % 2, -1, 1) if negative else 1
            layer.set_weights([spread * signs, rng.normal(size=count), rng.uniform(0, 0.5, count), np.ones(count)])
    return model


def _random(shape: tuple[int, ...], count: int = 120, seed: int = 0) -> Float32Array:
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype(np.float32)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize(
    ("shape", "through"),
    [
        (WAVE, _behind_pooling),
        (WAVE, _before_padding),
        (PICTURE, _pictures),
        (PICTURE, _branches),
        (PICTURE, _shared),
    ],
)
def test_the_answers_stay_the_same(shape: tuple[int, ...], through: Any, negative: bool) -> None:
    model = _network(shape, through, negative)
    other, unseen = equalisation.equalised(model, _random(shape)), _random(shape, 20, seed=1)
    before, after = model(unseen).numpy(), other(unseen).numpy()
    assert before.std() > 1e-3
    assert np.abs(after - before).max() < 1e-4 * max(1.0, np.abs(before).max())


def test_channels_reach_alike_and_the_normalisation_is_gone() -> None:
    model = _network(WAVE, _behind_pooling)
    other = equalisation.equalised(model, _random(WAVE))
    assert not [layer for layer in other.layers if isinstance(layer, L.BatchNormalization)]

    def spread(network: Any, layer: str) -> float:
        said = tf.keras.Model(network.inputs, network.get_layer(layer).output)(_random(WAVE)).numpy()
        reach = np.abs(said).reshape(-1, said.shape[-1]).max(axis=0)
        return float(reach.max() / reach[reach > 0].min())

    (normalisation,) = [layer.name for layer in model.layers if isinstance(layer, L.BatchNormalization)]
    assert spread(other, normalisation) < 0.5 * spread(model, normalisation)


def test_a_normalisation_stays_where_padding_or_a_maximum_would_tell() -> None:
    for through, negative in ((_before_padding, False), (_behind_pooling, True)):
        model = _network(WAVE, through, negative)
        other = equalisation.equalised(model, _random(WAVE))
        assert [layer for layer in other.layers if isinstance(layer, L.BatchNormalization)]


def test_a_network_that_plain_int8_spoils_is_rewritten_and_keeps_most_of_its_decisions(tmp_path: Path) -> None:
    keras, report, out = tmp_path / "mine.keras", tmp_path / "report.json", tmp_path / "mine.tflite"
    model = _network(WAVE, _behind_pooling)
    (normalisation,) = [layer for layer in model.layers if isinstance(layer, L.BatchNormalization)]
    reader = next(layer for layer in model.layers if isinstance(layer, L.Dense))
    # channels that matter alike, though they reach from a fiftieth to fiftyfold
    spread = np.logspace(-1.7, 1.7, 8).astype(np.float32)
    _, _, mean, variance = normalisation.get_weights()
    normalisation.set_weights([spread, 0.1 * spread, mean, variance])
    kernel, bias = reader.get_weights()
    reader.set_weights([kernel / spread[:, None], bias])
    model.save(keras)
    for name, seed in (("inputs", 0), ("unseen", 1)):
        np.save(tmp_path / f"{name}.npy", _random(WAVE, 150, seed))
    options = ["--representative", str(tmp_path / "inputs.npy"), "--unseen", str(tmp_path / "unseen.npy")]
    assert main(["convert-keras", str(keras), *options, "--out", str(out), "--json", str(report)]) == 0
    found = json.loads(report.read_text())
    assert found["method"] == "equalised, bias corrected"
    assert found["post_training"] is None or found["post_training"]["agreement"] < 0.9
    assert found["kept"]["int8"]["agreement"] >= 0.9
    assert found["unseen"]["agreement"] >= 0.9

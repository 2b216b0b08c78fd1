"""The deletion test: do a map's places matter more to the network than others of equal area do? Petsiuk et al. 2018."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.signals import Float32Array

SHARES = (0.1, 0.2, 0.3)
"""How much of a picture is hidden."""

CONTROLS = ("most", "random", "another's", "least")
"""What is hidden: what the picture's own map says matters most, places drawn at random, what matters most in another
picture, and what matters least. Another's map is as face-like as the own one, and tells how much of the map is of this
very face."""


def enlarged(maps: Float32Array, side: int) -> Float32Array:
    """``maps``, float32 (N, height, width), in the pictures' size: float32 (N, side, side)."""
    return np.stack([cv2.resize(one, (side, side), interpolation=cv2.INTER_CUBIC) for one in maps])


def controls(maps: Float32Array, side: int, rng: np.random.Generator) -> dict[str, Float32Array]:
    """What to hide first, float32 (N, side, side) for each of CONTROLS, from ``maps``, float32 (N, height, width).

    The random ones are as coarse as the maps: scattered pixels would spoil a picture as no place of equal area does.
    """
    own = enlarged(maps, side)
    drawn = enlarged(rng.standard_normal(maps.shape, np.float32), side)
    order = rng.permutation(len(own))
    another = np.empty_like(own)
    another[order] = own[np.roll(order, 1)]
    return dict(zip(CONTROLS, (own, drawn, another, -own), strict=True))


def hidden(pictures: Float32Array, first: Float32Array, share: float) -> Float32Array:
    """``pictures``, float32 (N, side, side, 1) of mean zero, whose ``share`` of highest ``first`` is set to zero.

    ``first`` is float32 (N, side, side). Zero is the picture's own mean grey.
    """
    flat = first.reshape(len(first), -1)
    chosen: NDArray[np.int64] = np.argsort(-flat, axis=1, kind="stable")[:, : round(share * flat.shape[1])]
    left = pictures.reshape(len(pictures), -1).copy()
    np.put_along_axis(left, chosen, 0.0, axis=1)
    return left.reshape(pictures.shape)

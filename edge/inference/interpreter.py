"""The one seam to a TFLite runtime: ai-edge-litert by default, tflite-runtime 2.14 selectable."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.errors import UserError

Runtime = Literal["litert", "tflite-runtime"]

_MODULES: dict[Runtime, str] = {
    "litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A model's input or output as the file declares it: ``scale`` is 0 for tensors that are not quantized."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


class Interpreter:
    """One model with one input and one or more outputs, ready to run.

    Quantized inputs and outputs are converted at this boundary, so callers speak float32 whatever the file holds.
    ``invocations`` counts the calls.
    Raises UserError where the runtime is missing or the file is not a model it can run.
    """

    def __init__(self, model: Path, runtime: Runtime = "litert", threads: int = 1) -> None:
        try:
            module = importlib.import_module(_MODULES[runtime])
        except ImportError as error:
            raise UserError(f"models.runtime: {runtime} is not installed here ({error})") from error
        try:
            with _native_stderr_silenced():
                self._interpreter: Any = module.Interpreter(model_path=str(model), num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, OSError, AttributeError, ImportError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{model}: {runtime} cannot load this model ({reason})") from error
        self.invocations = 0
        inputs = self._details(self._interpreter.get_input_details())
        if len(inputs) != 1:
            raise UserError(f"{model}: has {len(inputs)} inputs; every model here has one")
        (self.input,) = inputs
        self.outputs = self._details(self._interpreter.get_output_details())
        (self._input_index,) = (d["index"] for d in self._interpreter.get_input_details())
        self._output_index = {d["name"]: d["index"] for d in self._interpreter.get_output_details()}

    def __call__(self, features: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Runs the model on one input of shape ``input.shape`` and returns every output by name, dequantized."""
        self._interpreter.set_tensor(self._input_index, quantize(features, self.input))
        return self.run()

    def input_buffer(self) -> NDArray[Any]:
        """The model's own input memory, to be written in place before ``run``; do not keep the array beyond that."""
        buffer: NDArray[Any] = self._interpreter.tensor(self._input_index)()
        return buffer

    def run(self) -> dict[str, NDArray[np.float32]]:
        """Runs the model on what was written into ``input_buffer``; returns every output by name, dequantized."""
        self._interpreter.invoke()
        self.invocations += 1
        return {
            output.name: dequantize(self._interpreter.get_tensor(self._output_index[output.name]), output)
            for output in self.outputs
        }

    def invoke(self) -> None:
        """Runs the model on whatever its input holds: the bare cost that benchmarks compare against."""
        self._interpreter.invoke()

    def operators(self) -> list[dict[str, Any]]:
        """The runtime's own list of nodes: ``op_name``, ``inputs``, ``outputs``; delegates come last."""
        operators: list[dict[str, Any]] = self._interpreter._get_ops_details()
        return operators

    def tensor(self, index: int) -> dict[str, Any]:
        """The runtime's own description of one tensor: ``shape``, ``dtype``, ``quantization`` (scale, zero point)."""
        details: dict[str, Any] = self._interpreter._get_tensor_details(index, 0)
        return details

    @staticmethod
    def _details(details: list[dict[str, Any]]) -> tuple[Tensor, ...]:
        return tuple(
            Tensor(
                name=d["name"],
                shape=tuple(int(n) for n in d["shape"]),
                dtype=np.dtype(d["dtype"]).name,
                scale=float(d["quantization"][0]),
                zero_point=int(d["quantization"][1]),
            )
            for d in details
        )


@contextmanager
def _native_stderr_silenced() -> Iterator[None]:
    """Keeps TFLite from announcing its delegate on stderr, past the log; what goes wrong it raises."""
    sys.stderr.flush()
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


def quantize(values: NDArray[np.float32], tensor: Tensor) -> NDArray[Any]:
    """``values`` in the tensor's own type: round(x / scale) + zero_point, clipped to int8; unchanged for float32."""
    if tensor.scale == 0.0:
        return values
    limits = np.iinfo(tensor.dtype)
    steps = np.rint(values * (1.0 / tensor.scale)) + tensor.zero_point
    return np.clip(steps, limits.min, limits.max).astype(tensor.dtype)


def dequantize(values: NDArray[Any], tensor: Tensor) -> NDArray[np.float32]:
    """The float32 values an output stands for: (q - zero_point) * scale; unchanged for float32."""
    if tensor.scale == 0.0:
        return values
    return (values.astype(np.float32) - tensor.zero_point) * np.float32(tensor.scale)

"""The same model in fewer bytes: a .tflite without the names that nobody asks for, and with nothing written twice.

The converter names each tensor after all Keras layers it came from, gives it a buffer and a quantization record of its
own, and writes equal shapes again and again. In an LSTM that is unrolled over 75 steps this is most of the file.
FlatBuffers let one record be pointed at many times. Nothing that is computed changes.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

IDENTIFIER = b"TFL3"

ALIGNMENT = 16
"""Bytes on whose multiples the schema puts weights."""


def compact(content: bytes) -> bytes:
    """The .tflite file ``content``, smaller; it answers as before, bit for bit."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    _share_buffers(model)
    records: dict[Any, _Once] = {}
    for part in model.subgraphs:
        named = {int(index) for ends in (part.inputs, part.outputs) for index in ends}
        for index, tensor in enumerate(part.tensors):
            if index not in named:
                tensor.name = None
            tensor.quantization = _once(tensor.quantization, records)
        for operator in part.operators:
            operator.builtinOptions = _once(operator.builtinOptions, records)
    builder = _Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _share_buffers(model: Any) -> None:
    """Leaves one buffer of each content; that without any is the first, as the schema asks."""
    kept: dict[bytes, int] = {b"": 0}
    buffers, moved = [model.buffers[0]], []
    for buffer in model.buffers:
        data = b"" if buffer.data is None else buffer.data.tobytes()
        if data not in kept:
            kept[data] = len(buffers)
            buffers.append(buffer)
        moved.append(kept[data])
    model.buffers = buffers
    for reader in [*(tensor for part in model.subgraphs for tensor in part.tensors), *(model.metadata or ())]:
        reader.buffer = moved[reader.buffer]


class _Once:
    """A record of the schema that is written once, however often it is asked for."""

    def __init__(self, record: Any) -> None:
        self._record = record
        self._offset: int | None = None

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802, the schema's own name
        """Where the record lies in ``builder``."""
        if self._offset is None:
            self._offset = self._record.Pack(builder)
        return self._offset


def _once(record: Any, records: dict[Any, _Once]) -> _Once | None:
    """The one of ``records`` that is equal to ``record``."""
    return None if record is None else records.setdefault(_key(record), _Once(record))


def _key(value: Any) -> Any:
    """Equal for records of equal content."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.tobytes()
    if isinstance(value, list):
        return tuple(map(_key, value))
    return (type(value), *map(_key, vars(value).values())) if hasattr(value, "__dict__") else value


class _Builder(flatbuffers.Builder):  # type: ignore[misc]
    """Writes equal vectors of numbers once, and bytes where kernels like to read them."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._vectors: dict[Any, int] = {}

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802, the library's own name
        """Where the numbers ``x`` (n,) lie."""
        key = _key(x)
        if key not in self._vectors:
            if x.dtype == np.uint8:
                self.Prep(ALIGNMENT, len(x))
            self._vectors[key] = super().CreateNumpyVector(x)
        return self._vectors[key]

"""Whether a file that should be int8 is int8 throughout, and runs where it should."""

from __future__ import annotations

from pathlib import Path

from edge.errors import UserError
from edge.inference import graph
from edge.inference.graph import Graph
from edge.inference.interpreter import Interpreter

DELEGABLE = frozenset(
    {
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "TRANSPOSE_CONV",
        "FULLY_CONNECTED",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "MAX_POOL_2D",
        "MEAN",
        "REDUCE_MAX",
        "LOGISTIC",
        "TANH",
        "LEAKY_RELU",
        "RESIZE_BILINEAR",
    }
)
"""Operators that must be XNNPACK's: all that take the time, and all whose int8 kernels it has without conditions.

The fused LSTM is among them because it has no int8 kernel there: unrolled, its parts have. Exempt is the rest: what
only moves data (RESHAPE, UNPACK, PACK, SPLIT ...); what XNNPACK computes in float only (AVERAGE_POOL_2D, SOFTMAX,
PRELU, HARD_SWISH, BATCH_MATMUL ...); and ADD, SUB and MUL, which it refuses outside a range of scales, as with the
zero state that every LSTM begins from.
"""


def inspect(path: Path, name: str | None = None) -> Graph:
    """The graph of the int8 file at ``path``, as litert runs it.

    Raises UserError, calling it ``name``, where it is no file for a device: an input, an output or an operator is
    float, or one of ``DELEGABLE`` is not delegated.
    """
    name = name or str(path)
    interpreter = Interpreter(path)
    for tensor in (interpreter.input, *interpreter.outputs):
        if tensor.dtype != "int8":
            raise UserError(f"{name}: is not an int8 model: {tensor.name} is {tensor.dtype}")
    found = graph.read(interpreter)
    # by outputs: a fused LSTM holds float placeholders that nothing ever computes
    floats = {node.op for node in found.nodes if any(out.dtype.startswith("float") for out in node.outputs)}
    if floats:
        operators = ", ".join(sorted(floats - {"DEQUANTIZE"} or floats))
        raise UserError(f"{name}: stayed float in the conversion to int8: {operators}")
    if left := sorted({node.op for node in found.nodes if node.op in DELEGABLE and not node.delegated}):
        raise UserError(f"{name}: not delegated to XNNPACK, hence slow: {', '.join(left)}")
    return found

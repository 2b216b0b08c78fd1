"""What a model file is made of: its nodes, what each costs, and which of them the runtime hands to XNNPACK."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from edge.inference.interpreter import Interpreter

Kind = Literal["float32", "float16", "dynamic", "int8"]
"""How a file was quantized: not at all, weights to float16, weights to int8, or everything to int8."""

DELEGATE = "DELEGATE"


@dataclass(frozen=True, slots=True)
class Operand:
    """One tensor at a node; ``scale`` is 0 where it is not quantized or has one scale per channel."""

    shape: tuple[int, ...]
    dtype: str
    scale: float


@dataclass(frozen=True, slots=True)
class Node:
    """One operator of the file; ``delegated`` where XNNPACK runs it."""

    op: str
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    delegated: bool

    @property
    def macs(self) -> int:
        """Multiplications with weights that one invocation takes; 0 for operators without weights."""
        return _macs(self.op, self.inputs, self.outputs)


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes of a model as one runtime runs them."""

    kind: Kind
    nodes: tuple[Node, ...]

    @property
    def macs(self) -> int:
        """Multiplications with weights that one invocation takes."""
        return sum(node.macs for node in self.nodes)

    @property
    def delegated(self) -> int:
        """How many nodes XNNPACK runs."""
        return sum(node.delegated for node in self.nodes)


def read(interpreter: Interpreter) -> Graph:
    """The graph that ``interpreter`` runs; it must be ai-edge-litert's, the older runtime crashes on sparse weights."""
    own = _own(interpreter.operators())
    taken = delegated(interpreter)

    def operand(index: int) -> Operand:
        tensor = interpreter.tensor(index)
        shape = tuple(int(size) for size in tensor["shape"])
        return Operand(shape, np.dtype(tensor["dtype"]).name, float(tensor["quantization"][0]))

    def operands(indices: Sequence[int]) -> tuple[Operand, ...]:
        return tuple(operand(int(index)) for index in indices if index >= 0)

    nodes = tuple(
        Node(operator["op_name"], operands(operator["inputs"]), operands(operator["outputs"]), index in taken)
        for index, operator in enumerate(own)
    )
    return Graph(_kind(interpreter, nodes), nodes)


def delegated(interpreter: Interpreter) -> frozenset[int]:
    """Which nodes, counted from 0, either runtime handed to XNNPACK."""
    operators = interpreter.operators()
    own = _own(operators)
    producer = {int(tensor): index for index, operator in enumerate(own) for tensor in operator["outputs"]}
    found: set[int] = set()
    for delegate in operators[len(own) :]:
        found |= _replaced(delegate, producer, own)
    return frozenset(found)


def _own(operators: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The file's own nodes, without the delegates that the runtime appended."""
    return [operator for operator in operators if operator["op_name"] != DELEGATE]


def _replaced(delegate: dict[str, Any], producer: dict[int, int], own: list[dict[str, Any]]) -> set[int]:
    """The nodes that a delegate took over: all that lead from its inputs to its outputs."""
    outside = {int(tensor) for tensor in delegate["inputs"]}
    found: set[int] = set()
    pending = [int(tensor) for tensor in delegate["outputs"]]
    while pending:
        tensor = pending.pop()
        node = producer.get(tensor)
        if tensor in outside or node is None or node in found:
            continue
        found.add(node)
        pending += [int(need) for need in own[node]["inputs"]]
    return found


def _kind(interpreter: Interpreter, nodes: Sequence[Node]) -> Kind:
    if interpreter.input.dtype == "int8":
        return "int8"
    dtypes = {operand.dtype for node in nodes for operand in node.inputs}
    if "float16" in dtypes:
        return "float16"
    return "dynamic" if "int8" in dtypes else "float32"


def _macs(op: str, inputs: Sequence[Operand], outputs: Sequence[Operand]) -> int:
    if op in ("CONV_2D", "FULLY_CONNECTED"):
        # weights: (outputs, ...), everything behind the first dimension is summed over
        return math.prod(outputs[0].shape) * math.prod(inputs[1].shape[1:])
    if op == "DEPTHWISE_CONV_2D":
        return math.prod(outputs[0].shape) * math.prod(inputs[1].shape[1:3])
    if op == "TRANSPOSE_CONV":
        # inputs: output shape, weights (outputs, height, width, inputs), values
        return math.prod(inputs[2].shape) * math.prod(inputs[1].shape[:3])
    if op == "BATCH_MATMUL":
        return math.prod(outputs[0].shape) * inputs[0].shape[-1]
    if op == "UNIDIRECTIONAL_SEQUENCE_LSTM":
        steps = math.prod(inputs[0].shape[:-1])
        return steps * sum(math.prod(operand.shape) for operand in inputs[1:9] if len(operand.shape) == 2)
    return 0

"""Outputs by their own names: TensorFlow's converter numbers them, in an order of its own."""

from __future__ import annotations

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from quantize.conversion.compaction import IDENTIFIER


def named(content: bytes) -> bytes:
    """The .tflite file ``content``, each of its outputs called as its Keras model calls it; of one output, itself."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    (signature,) = model.signatureDefs
    if len(signature.outputs) == 1:
        return content
    for output in signature.outputs:
        model.subgraphs[signature.subgraphIndex].tensors[output.tensorIndex].name = output.name
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())

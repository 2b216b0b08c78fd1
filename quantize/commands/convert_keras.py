"""The command ``convert-keras``."""

from __future__ import annotations

import argparse
from pathlib import Path

from quantize.commands import options

EXAMPLES = """\
examples:
  affect-quantize convert-keras mine.keras --representative inputs.npy --out mine.tflite
  affect-quantize convert-keras mine.keras --representative inputs.npy --unseen others.npy --out mine.tflite
  affect-quantize convert-keras lstm.h5 --representative inputs.npy --out lstm.tflite --variants lstm --json lstm.json
  affect-quantize convert-keras mine.keras --representative random --out try.tflite
"""


def add(commands: options.Commands) -> None:
    """Adds the command with its options."""
    summary = "quantize a Keras model of your own to int8, and tell what that did to its answers"
    more = " A Keras file can hold code: convert only what you trust."
    command = options.sub_parser(commands, "convert-keras", summary, more, EXAMPLES)
    command.set_defaults(command=_convert_keras)
    command.add_argument("keras", type=Path, metavar="FILE", help="the model, .keras or .h5, one input and one output")
    command.add_argument(
        "--representative",
        required=True,
        metavar="FILE.npy|random",
        help="at least 100 training inputs (n, ...) that set the int8 ranges; random: for a first look only",
    )
    command.add_argument(
        "--unseen", type=Path, metavar="FILE.npy", help="inputs that decide nothing: what is kept of their answers too"
    )
    command.add_argument("--out", type=Path, required=True, metavar="FILE.tflite", help="the int8 file to write")
    command.add_argument("--variants", type=Path, metavar="DIR", help="write float32, float16, dynamic and int8 there")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the report there")
    options.caps_options(command)


def _convert_keras(arguments: argparse.Namespace) -> int:
    from quantize.conversion.foreign import Kept, convert_keras
    from quantize.files import write_json

    variant = arguments.variants and arguments.variants / "float32.tflite"
    options.check_outputs(arguments.out, arguments.json, variant)
    report = convert_keras(
        arguments.keras,
        arguments.representative,
        arguments.out,
        arguments.variants,
        options.caps(arguments),
        arguments.unseen,
    )
    if arguments.json:
        write_json(arguments.json, report)
    for kind, kept in report["kept"].items():
        print(f"{kind}: {Kept(**kept)}")
    if "unseen" in report:
        print(f"int8, unseen: {Kept(**report['unseen'])}")
    print(f"int8 is {report['method']}")
    print(
        f"{report['delegated']} of {report['nodes']} nodes are delegated"
        + (f", all but {', '.join(report['exempt'])}" if report["exempt"] else "")
    )
    sizes = report["bytes"]
    print(f"written to {arguments.out}: {sizes['int8']} bytes, {sizes['int8'] / sizes['float32']:.2f} of float32")
    return 0

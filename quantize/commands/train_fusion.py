"""The command ``train-fusion``."""

from __future__ import annotations

import argparse

from quantize.commands import options, sessions


def add(commands: options.Commands) -> None:
    """Adds the command with its options."""
    summary = "train, quantize and tune the attention model that fuses the branches"
    command = options.sub_parser(commands, "train-fusion", summary, examples=sessions.EXAMPLES)
    command.set_defaults(command=_train_fusion)
    command.add_argument("--ablations", action="store_true", help="also without each of its parts, for comparison")
    command.add_argument(
        "--epochs", type=options.positive, metavar="N", help="for a trial: just N, instead of the recipe's"
    )
    sessions.session_options(command)


def _train_fusion(arguments: argparse.Namespace) -> int:
    from quantize import train_fusion
    from quantize.files import write_json
    from quantize.robustness import ATTENTION, WEIGHTED, kinds

    parts, folder = sessions.parts(arguments), sessions.run_folder(arguments)
    weights, tried = train_fusion.choose_weights(parts.valid)
    print(f"weighted: {weights} has the least log loss on validation sessions, {tried[0]['log_loss']:.4f}")
    paired = sessions.paired_name(arguments)
    manifest = train_fusion.train(parts, folder, arguments.models, arguments.ablations, arguments.epochs, paired)
    print(f"attention: temperature {manifest.temperature:.2f}, written to {arguments.models / manifest.file}")
    chosen = {name: kind for name, kind in kinds(arguments.models, folder).items() if name in (WEIGHTED, ATTENTION)}
    curves = train_fusion.selective(parts.valid, chosen)
    for name, curve in curves.items():
        print(
            f"{name}, on validation sessions: silent below a support, right when speaking, share of seconds spoken in"
        )
        for row in curve[9:]:
            print(f"  {row['support']:.2f}  {row['accuracy']:.3f}  {row['coverage']:.0%}")
    write_json(folder / "chosen.json", {"weights": tried[:5], "selective": curves})
    return 0

"""The attention model's card: what it is, what it was taught on, and what follows for its use."""

from __future__ import annotations

from edge.fusion.attention import LABELS
from edge.inference.store import Manifest
from quantize.certificates.origins import ORIGINS

REPORT = " ([docs/robustness.md](../docs/robustness.md))"

ARRANGED = """\
**Nobody was seen and heard at the same time.** No public data set of that kind was at hand, so sessions are put
together: a Markov chain, and for each second a FER+ face and now and then a RAVDESS utterance whose own labels agree
with its valence, and a DAiSEE clip. How face and voice go together is therefore made by hand; what each shows is real.
Engagement goes its own way: whether bored people smile and engaged ones frown nobody measured here, so nothing was
learned from it. The sessions that test are put together from engaged learners of positive and bored, confused or
frustrated ones of negative valence (Edu-EmotionNet's reading), and once more without that.

- Faces: half of the official FER+ validation pictures, by near-duplicates; the other half chose, the official test
  pictures tested.
- Voices: RAVDESS, each actor through a network that never heard them, moved to where the shipped network's embeddings
  are; eight actors taught, four chose, eight tested.
- Engagement: DAiSEE Train subjects, each through a network that never saw them, four folds taught and one chose; the
  Validation subjects tested."""

REAL = """\
Learners who were filmed with sound and rated over time, the data set `{}`: its people of the split `train` taught,
those of `valid` chose, those of `test` tested.
"""


def card(manifest: Manifest, size: int) -> str:
    """The card of ``manifest``, whose int8 file has ``size`` bytes."""
    recipe = manifest.provenance["recipe"]
    development = manifest.provenance["development"]
    steps, numbers = manifest.input.shape[1:]
    shown = "that it is there, its reliability, its calibrated valence, its probabilities and its embedding"
    paired = manifest.provenance.get("paired")
    source = "--data ROOT" if paired is None else f"--paired {paired}"
    taught = f"{recipe['epochs']} epochs of {recipe['windows']} windows of {recipe['length']} s, lambda {recipe['kl']}"
    licences = "\n".join(f"- {name}: {origin.weights}" for name, origin in ORIGINS.items())
    return f"""# {manifest.name}

Fuses what the three branches say of the last {steps} seconds into the valence of a room and its four engagement states:
cross-modal attention, modality importance and temporal feedback of Edu-EmotionNet, in a network small enough for the
device. Which kind of fusion a box uses is `[fusion] kind`.

| | |
|---|---|
| file | `{manifest.file}`, {size} bytes, sha256 `{manifest.sha256}` |
| input | {steps} seconds of {numbers} numbers: of each modality {shown}; and what it said before |
| outputs | logits of positive valence and the four engagement states; the importance of each modality |
| temperature | {manifest.temperature:.2f} |
| recipe | `{recipe["name"]}`: {taught} |
| log loss of valence | {development["log_loss"]:.3f} on validation sessions, damaged and not |
| engagement states | {_states(manifest)} |

Made by `affect-quantize train-fusion {source}`; measured, against simpler rules and without each of its parts, by
`affect-quantize robustness {source}`{REPORT if paired is None else ""}.

## What it was taught on

{ARRANGED if paired is None else REAL.format(paired)}
- Every modality was damaged in all the ways of the report, and missing 0 to 100 % of the time in bursts (modality
  dropout).

## Limits

- One face, or the mean of many weighted by their reliability: crowds of mixed minds were never in training.
- The weights of the branches whose embeddings it reads set the terms:

{licences}
"""


def _states(manifest: Manifest) -> str:
    """Who tells them, and how well both could on validation sessions."""
    development = manifest.provenance["development"]
    teller = "the network" if set(LABELS) <= set(manifest.thresholds) else "the branch, as it does it better"
    own, branch = (f"{development[name]:.3f}" for name in ("states_auc", "branch_states_auc"))
    return f"told by {teller}: mean AUC on validation sessions {own} by the network, {branch} by the branch"

"""The model store: loads a model only if it is, to the byte and to the preprocessing, what its manifest describes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from edge.errors import UserError
from edge.features import Preprocessing
from edge.inference.answer import EMBEDDING, LOGITS
from edge.inference.baseline import Baseline
from edge.inference.interpreter import Interpreter, Runtime
from edge.inference.reliability import ANY, NO, YES, Reliability
from edge.signals import Limit


class TensorContract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a manifest promises about one input or output."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON file beside each ``.tflite``.

    ``labels`` names the logits' units in order; logits come before the embedding, where there is one, whatever the
    file's order. ``thresholds`` (one per decision, 0..1), ``temperature`` and ``skill`` (how far decisions beat chance:
    2 x balanced accuracy - 1, 0..1) come from validation data. ``baseline`` is where training's embeddings lie, and
    ``reliability`` how often they are right, by what was decided; without it, readings are as good as their input
    times ``skill``.
    ``preprocessing`` holds the parameters of the branch's Preprocessing and ``preprocessing_sha256`` its fingerprint
    at training time. ``figures`` and ``provenance`` are for people and certificates, not for the loader.
    """

    name: str
    file: str
    sha256: str
    input: TensorContract
    outputs: tuple[TensorContract, ...]
    labels: tuple[str, ...] = ()
    thresholds: dict[str, float] = {}
    temperature: float = 1.0
    skill: float = 1.0
    preprocessing: dict[str, Any] | None = None
    preprocessing_sha256: str | None = None
    baseline: Baseline | None = None
    reliability: dict[str, Reliability] = {}
    provenance: dict[str, Any] = {}
    figures: dict[str, Any] = {}

    @property
    def embedding(self) -> TensorContract | None:
        """What is promised about the embedding; None where the model has none."""
        return next((output for output in self.outputs if output.name == EMBEDDING), None)


class ModelStore:
    """Finds, checks and loads models in one directory."""

    def __init__(self, directory: Path, runtime: Runtime = "litert", threads: int = 1) -> None:
        self.directory = directory
        self._runtime: Runtime = runtime
        self._threads = threads
        self.loaded: dict[str, Manifest] = {}
        self.interpreters: dict[str, Interpreter] = {}

    def manifest(self, name: str) -> Manifest:
        """Reads ``name``.json. Raises UserError where it is missing or malformed."""
        path = self.directory / f"{name}.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=Manifest)
        except FileNotFoundError as error:
            raise UserError(f"{path}: no manifest for the model {name!r}; reinstall the models") from error
        except (msgspec.DecodeError, OSError) as error:
            raise UserError(f"{path}: not a valid manifest ({error})") from error

    def load(self, name: str, decisions: tuple[str, ...] = ()) -> tuple[Manifest, Interpreter]:
        """The checked manifest and a ready interpreter; ``decisions`` are those the caller needs a threshold for.

        Raises UserError naming the file, and both hashes where they differ: model missing, truncated, altered, with
        another input or output than promised.
        """
        manifest = self.manifest(name)
        path = self.directory / manifest.file
        try:
            actual = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise UserError(f"{path}: model file cannot be read ({error.strerror}); reinstall the models") from error
        if actual != manifest.sha256:
            raise UserError(f"{path}: sha256 is {actual}, its manifest says {manifest.sha256}; reinstall the models")
        interpreter = Interpreter(path, self._runtime, self._threads)
        _check_contracts(manifest, interpreter, path)
        for decision in decisions:
            if not 0.0 < manifest.thresholds.get(decision, 0.0) < 1.0:
                raise UserError(f"{self.directory / name}.json: thresholds.{decision} is not between 0 and 1")
        if manifest.labels:
            _check_branch(manifest, self.directory / f"{name}.json")
        self.loaded[name] = manifest
        self.interpreters[name] = interpreter
        return manifest, interpreter

    def preprocessing(self, manifest: Manifest, kind: type[Preprocessing]) -> Any:
        """The preprocessing the model was trained with, as an instance of ``kind``.

        Raises UserError naming both fingerprints where this code would compute something else.
        """
        path = self.directory / f"{manifest.name}.json"
        try:
            preprocessing = msgspec.convert(manifest.preprocessing, kind)
        except msgspec.ValidationError as error:
            raise UserError(f"{path}: preprocessing does not fit {kind.__name__} ({error})") from error
        if preprocessing.fingerprint() != manifest.preprocessing_sha256:
            here, trained = preprocessing.fingerprint(), manifest.preprocessing_sha256
            raise UserError(f"{path}: preprocessing is {here} here, the model was trained with {trained}")
        return preprocessing


def _check_contracts(manifest: Manifest, interpreter: Interpreter, path: Path) -> None:
    """Raises UserError where the model at ``path`` has another input, or other outputs in whatever order."""
    promised = (manifest.input, *manifest.outputs)
    if len(interpreter.outputs) != len(manifest.outputs):
        raise UserError(f"{path}: has {len(interpreter.outputs)} outputs, its manifest says {len(manifest.outputs)}")
    outputs = {tensor.name: tensor for tensor in interpreter.outputs}
    for want in promised:
        tensor = interpreter.input if want is manifest.input else outputs.get(want.name)
        if tensor is None:
            raise UserError(f"{path}: has the outputs {', '.join(outputs)}, its manifest says {want.name}")
        have = TensorContract(tensor.name, tensor.shape, tensor.dtype)
        if (want.shape, want.dtype) != (have.shape, have.dtype):
            raise UserError(f"{path}: {have.name} is {have}, its manifest says {want}")


def _check_branch(manifest: Manifest, path: Path) -> None:
    """Raises UserError where the manifest at ``path`` is not a branch's: logits, and perhaps an embedding it knows."""
    if len(manifest.outputs) > 1 and {output.name for output in manifest.outputs} != {LOGITS, EMBEDDING}:
        named = ", ".join(output.name for output in manifest.outputs)
        raise UserError(f"{path}: outputs are {named}, where a branch has {LOGITS} and {EMBEDDING}")
    logits = next((output for output in manifest.outputs if output.name == LOGITS), manifest.outputs[0])
    if len(manifest.labels) != logits.shape[-1]:
        raise UserError(f"{path}: labels are not as many as {manifest.file} has logits")
    if set(manifest.reliability) not in (set(), {ANY}, {YES, NO}):
        raise UserError(
            f"{path}: its reliability is of {', '.join(sorted(manifest.reliability))}; reinstall the models"
        )
    if manifest.baseline is None:
        if any(learned.weighs(Limit.FAMILIARITY) for learned in manifest.reliability.values()):
            raise UserError(f"{path}: its reliability weighs familiarity, which needs a baseline; reinstall the models")
        return
    numbers = manifest.embedding.shape[-1] if manifest.embedding else 0
    if manifest.baseline.size != numbers:
        raise UserError(
            f"{path}: the baseline is of embeddings of {manifest.baseline.size} numbers, {manifest.file} gives "
            f"{numbers}: they are of another version of the model; reinstall the models"
        )
    if manifest.baseline.model_sha256 != manifest.sha256:
        raise UserError(
            f"{path}: the baseline is of the model {manifest.baseline.model_sha256}, {manifest.file} is "
            f"{manifest.sha256}; reinstall the models"
        )

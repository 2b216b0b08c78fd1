"""The model store: loads a model only if it is, to the byte and to the preprocessing, what its manifest describes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from edge.errors import UserError
from edge.features import Preprocessing
from edge.inference.interpreter import Interpreter, Runtime


class TensorContract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a manifest promises about one input or output."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON file beside each ``.tflite``.

    ``labels`` names the output's units in order. ``thresholds`` (one per decision, 0..1), ``temperature`` and
    ``skill`` (how far decisions beat chance: 2 x balanced accuracy - 1, 0..1) come from validation data.
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
    provenance: dict[str, Any] = {}
    figures: dict[str, Any] = {}


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
        promised = (manifest.input, *manifest.outputs)
        found = tuple(TensorContract(t.name, t.shape, t.dtype) for t in (interpreter.input, *interpreter.outputs))
        for want, have in zip(promised, found, strict=False):
            if (want.shape, want.dtype) != (have.shape, have.dtype):
                raise UserError(f"{path}: {have.name} is {have}, its manifest says {want}")
        if len(promised) != len(found):
            raise UserError(f"{path}: has {len(found) - 1} outputs, its manifest says {len(promised) - 1}")
        for decision in decisions:
            if not 0.0 < manifest.thresholds.get(decision, 0.0) < 1.0:
                raise UserError(f"{self.directory / name}.json: thresholds.{decision} is not between 0 and 1")
        if manifest.labels and len(manifest.labels) != interpreter.outputs[0].shape[-1]:
            raise UserError(f"{self.directory / name}.json: labels are not as many as {manifest.file} has outputs")
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

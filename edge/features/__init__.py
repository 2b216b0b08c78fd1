"""Preprocessing shared by training and serving: what each branch's model is fed, defined once.

Every preprocessing is a frozen struct of its parameters with one method that applies it. ``fingerprint`` names it: a
model's manifest carries the fingerprint it was trained with, and a device whose code would feed it anything else
refuses.
"""

from __future__ import annotations

import hashlib
from typing import ClassVar

import msgspec


class Preprocessing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the three preprocessings; subclasses raise ``version`` whenever their arithmetic changes."""

    version: ClassVar[int] = 0

    def fingerprint(self) -> str:
        """SHA-256 (hex) over the class name, its arithmetic's version and every parameter."""
        parameters = msgspec.json.encode(self, order="sorted")
        return hashlib.sha256(f"{type(self).__name__}/{self.version}/".encode() + parameters).hexdigest()

"""What a box says of a connection that this machine forbids."""

from __future__ import annotations

import pytest

from edge.publish.connection import in_words


@pytest.mark.parametrize(
    ("where", "cure"),
    [
        ("/run/mosquitto/affectfusion.sock", "it must be in the socket's group"),
        ("mqtt.school.example:8883", "name its address in IPAddressAllow= of affectfusion.service"),
    ],
)
def test_a_connection_that_is_forbidden_is_named_with_its_cure(where: str, cure: str) -> None:
    said = in_words(where, PermissionError(1, "Operation not permitted"))
    assert said.startswith(f"{where}: this ")
    assert said.endswith(cure)

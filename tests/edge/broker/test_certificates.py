"""The certificate that the broker shows: made, kept, renewed in time, or given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from boxbroker import need_tools

from edge.broker import certificates
from edge.broker.files import File
from edge.broker.openssl import OpenSSL
from edge.broker.places import Places
from edge.config import Box, LocalBroker
from edge.errors import UserError

BOX = Box("school", "lab")
NAMES = ["lab.local", "192.168.1.20", "fd00::0:1"]
AUTHORITY_KEY, AUTHORITY, KEY, CERTIFICATE = range(4)


@pytest.fixture
def openssl() -> Iterator[OpenSSL]:
    need_tools()
    with OpenSSL() as made:
        yield made


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return empty(tmp_path / "mosquitto")


def empty(folder: Path) -> Places:
    places = Places(folder, folder / "credentials")
    places.key.parent.mkdir(parents=True)
    return places


def make(places: Places, names: list[str] = NAMES, box: Box = BOX) -> list[bytes]:
    """What is there after a run: the authority's key and certificate, the server's key and certificate."""
    return settled(certificates.own(box, places, names))


def settled(files: list[File]) -> list[bytes]:
    for file in files:
        file.settle()
    return [file.content or b"" for file in files]


def test_the_certificate_is_signed_by_the_authority_for_the_names_given(places: Places, openssl: OpenSSL) -> None:
    authority_key, authority, key, certificate = make(places)
    assert openssl.vouches(authority, certificate)
    assert openssl.matches(authority, authority_key)
    assert openssl.matches(certificate, key)
    assert openssl.names(certificate) == {"lab.local", "192.168.1.20", "fd00::1"}
    assert openssl.lasts(certificate, 824)
    assert not openssl.lasts(certificate, 826)
    assert openssl.lasts(authority, 19 * 365)


def test_what_holds_is_kept(places: Places) -> None:
    assert make(places) == make(places) == make(places, NAMES[:1]) == make(places, box=Box("other", "room"))


def test_a_new_address_brings_a_new_certificate_of_the_same_authority_and_key(places: Places, openssl: OpenSSL) -> None:
    before = make(places)
    after = make(places, [*NAMES, "192.168.1.21"])
    assert after[:CERTIFICATE] == before[:CERTIFICATE]
    assert "192.168.1.21" in openssl.names(after[CERTIFICATE])


@pytest.mark.parametrize(("days", "kept"), [(89, False), (92, True)])
def test_a_certificate_near_its_end_is_renewed(places: Places, openssl: OpenSSL, days: int, kept: bool) -> None:
    authority_key, authority, key, _ = make(places)
    old = openssl.certificate(key, {"CN": "lab"}, NAMES, days, (authority, authority_key))
    places.certificate.write_bytes(old)
    after = make(places)
    assert (after[CERTIFICATE] == old) == kept
    assert after[:CERTIFICATE] == [authority_key, authority, key]
    assert openssl.lasts(after[CERTIFICATE], 88)


def test_an_authority_that_would_not_outlive_the_certificate_is_renewed_with_its_key(
    places: Places, openssl: OpenSSL
) -> None:
    authority_key, _, _, certificate = make(places)
    subject = {"O": "AffectFusion", "OU": BOX.site, "CN": f"{BOX.room} authority"}
    places.authority.write_bytes(openssl.authority(authority_key, subject, 800))
    after = make(places)
    assert after[AUTHORITY_KEY] == authority_key
    assert openssl.lasts(after[AUTHORITY], 825)
    assert openssl.vouches(after[AUTHORITY], certificate), "who trusted the old one trusts what it signed"


@pytest.mark.parametrize("damaged", range(4))
@pytest.mark.parametrize("content", [b"", b"not PEM at all\n", None])
def test_a_damaged_file_is_made_anew(places: Places, openssl: OpenSSL, damaged: int, content: bytes | None) -> None:
    make(places)
    path = (places.authority_key, places.authority, places.key, places.certificate)[damaged]
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    authority_key, authority, key, certificate = make(places)
    assert openssl.matches(authority, authority_key)
    assert openssl.matches(certificate, key)
    assert openssl.vouches(authority, certificate)


def test_a_certificate_of_another_authority_is_replaced(places: Places, openssl: OpenSSL, tmp_path: Path) -> None:
    make(places)
    other = make(empty(tmp_path / "other"))
    places.key.write_bytes(other[KEY])
    places.certificate.write_bytes(other[CERTIFICATE])
    _, authority, _, certificate = make(places)
    assert certificate != other[CERTIFICATE]
    assert openssl.vouches(authority, certificate)


def test_names_of_any_length_that_a_topic_can_have_fit(places: Places, openssl: OpenSSL) -> None:
    assert openssl.vouches(*make(places, box=Box("s" * 40, "r" * 40))[AUTHORITY::2])


# A given one.


@pytest.fixture
def school(openssl: OpenSSL, tmp_path: Path) -> dict[str, Path]:
    """What a school hands out, and what is wrong to hand out."""
    authority_key, other_key, key = openssl.key(), openssl.key(), openssl.key()
    authority = openssl.authority(authority_key, {"CN": "school"}, 9)
    certificate = openssl.certificate(key, {"CN": "box"}, NAMES, 9, (authority, authority_key))
    expired = openssl.certificate(key, {"CN": "box"}, NAMES, 0, (authority, authority_key))
    made = {
        "ca": authority,
        "crt": certificate,
        "key": key,
        "expired": expired,
        "other-key": other_key,
        "other-ca": openssl.authority(other_key, {"CN": "another"}, 9),
        "nonsense": b"nonsense",
    }
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in made}


def test_a_given_certificate_is_copied_for_mosquitto_to_read(places: Places, school: dict[str, Path]) -> None:
    make(places)
    local = LocalBroker(certificate=school["crt"], key=school["key"], ca=school["ca"])
    settled(certificates.given(local, places))
    assert places.certificate.read_bytes() == school["crt"].read_bytes()
    assert places.key.read_bytes() == school["key"].read_bytes()
    assert places.key.stat().st_mode & 0o777 == 0o600
    assert places.authority.read_bytes() == school["ca"].read_bytes()


def test_without_an_authority_of_its_own_a_given_certificate_leaves_none_to_be_trusted_by_mistake(
    places: Places, school: dict[str, Path]
) -> None:
    make(places)
    settled(certificates.given(LocalBroker(certificate=school["crt"], key=school["key"]), places))
    assert not places.authority.exists()


@pytest.mark.parametrize(
    ("certificate", "key", "ca", "complaint"),
    [
        ("nonsense", "key", "ca", "broker.local.certificate: .*nonsense is no certificate in PEM, or has run out"),
        ("expired", "key", "ca", "broker.local.certificate: .*expired is no certificate in PEM, or has run out"),
        ("crt", "other-key", "ca", "broker.local.key: .*other-key is not the key of .*crt"),
        ("crt", "nonsense", "ca", "broker.local.key: .*nonsense is not the key of .*crt"),
        ("crt", "key", "other-ca", "broker.local.ca: .*other-ca has not signed .*crt"),
        ("crt", "key", "nonsense", "broker.local.ca: .*nonsense has not signed .*crt"),
    ],
)
def test_a_given_certificate_that_cannot_work_is_refused(
    certificate: str, key: str, ca: str, complaint: str, places: Places, school: dict[str, Path]
) -> None:
    local = LocalBroker(certificate=school[certificate], key=school[key], ca=school[ca])
    with pytest.raises(UserError, match=complaint):
        certificates.given(local, places)


def test_the_machine_knows_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "classroom-12.school.example")
    names = certificates.machine_names()
    assert names[:2] == ["classroom-12.local", "classroom-12"]
    assert {"localhost", "127.0.0.1", "::1"} <= set(names)


def test_a_machine_with_a_name_that_is_none_goes_by_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "not_a_name, DNS:evil")
    assert not [name for name in certificates.machine_names() if "evil" in name]

"""``install.sh update``, ``rollback`` and ``uninstall``: there is always a release that works."""

from __future__ import annotations

import subprocess

import pytest

from tests.installer.box import Box


def test_an_update_runs_and_keeps_the_release_before(installed: Box) -> None:
    done = installed.install_sh("update", source=installed.checkout("2.0"))
    assert done.returncode == 0, done.stdout
    assert installed.runs() == installed.release() == "2.0"
    assert installed.release("previous") == "1.0"


def test_the_same_version_with_other_content_is_another_release(installed: Box) -> None:
    source = installed.checkout()
    (source / "edge/kind").write_text("whole, and better")
    installed.install_sh("update", source=source)
    assert len(list((installed.prefix / "releases").iterdir())) == 2


@pytest.mark.parametrize("kind", ["deaf", "frail"])
def test_a_release_that_does_not_become_healthy_is_taken_back(installed: Box, kind: str) -> None:
    done = installed.install_sh("update", source=installed.checkout("2.0", kind))
    assert done.returncode == 1
    assert "did not become healthy" in done.stdout
    assert "the last words" in done.stdout
    assert installed.runs() == installed.release() == "1.0"
    assert installed.releases() == {"1.0"}


def test_a_broken_update_leaves_the_release_before_the_last_to_go_back_to(installed: Box) -> None:
    installed.install_sh("update", source=installed.checkout("2.0"))
    installed.install_sh("update", source=installed.checkout("3.0", "deaf"))
    assert (installed.runs(), installed.release("previous")) == ("2.0", "1.0")


def test_a_first_installation_that_fails_stays_for_its_configuration_to_be_corrected(box: Box) -> None:
    done = box.install_sh("device", source=box.checkout("1.0", "deaf"))
    assert done.returncode == 1
    assert "correct" in done.stdout
    assert str(box.configuration) in done.stdout
    assert box.release() == "1.0"


def test_rollback_goes_back_and_forth(installed: Box) -> None:
    installed.install_sh("update", source=installed.checkout("2.0"))
    for expected in ("1.0", "2.0"):
        done = installed.install_sh("rollback")
        assert done.returncode == 0, done.stdout
        assert installed.runs() == installed.release() == expected


def test_an_update_can_come_from_an_archive(installed: Box) -> None:
    source = installed.checkout("2.0")
    subprocess.run(["tar", "-C", source.parent, "-czf", source.parent / "release.tar.gz", source.name], check=True)
    done = installed.install_sh("update", "release.tar.gz")
    assert done.returncode == 0, done.stdout
    assert installed.runs() == "2.0"


@pytest.mark.parametrize(
    ("content", "words"),
    [("not an archive", "is no archive that tar can read"), (None, "no such folder or archive")],
)
def test_an_update_from_nothing_useful_changes_nothing(installed: Box, content: str | None, words: str) -> None:
    if content is not None:
        installed.let("source", content)
    done = installed.install_sh("update", "source")
    assert done.returncode == 2
    assert words in done.stdout
    assert installed.runs() == "1.0"


def test_an_update_from_half_a_checkout_changes_nothing(installed: Box) -> None:
    source = installed.checkout("2.0")
    (source / "pyproject.toml").unlink()
    done = installed.install_sh("update", source=source)
    assert done.returncode == 2
    assert "pyproject.toml is missing" in done.stdout
    assert installed.releases() == {"1.0"}


def test_old_releases_are_removed(installed: Box) -> None:
    for version in ("2.0", "3.0", "4.0"):
        installed.install_sh("update", source=installed.checkout(version))
    assert installed.releases() == {"2.0", "3.0", "4.0"}
    assert (installed.release(), installed.release("previous")) == ("4.0", "3.0")


def test_uninstall_keeps_settings_and_state(installed: Box) -> None:
    (installed.root / "var/lib/affectfusion").mkdir(parents=True)
    done = installed.install_sh("uninstall")
    assert done.returncode == 0, done.stdout
    assert installed.configuration.exists()
    assert (installed.root / "var/lib/affectfusion").exists()
    assert not installed.prefix.exists()
    assert not [path for path in installed.everything() if "affectfusion" in path and "etc/systemd" in path]
    assert not installed.calls("userdel")


def test_purge_leaves_nothing_but_the_log_and_the_lock(installed: Box) -> None:
    (installed.root / "var/lib/affectfusion").mkdir(parents=True)
    installed.install_sh("uninstall", "--purge")
    left = {path for path in installed.everything() if "affect" in path}
    assert left == {"var/log/affectfusion-install.log", "run/lock/affectfusion-install"}
    assert not (installed.root / "var/lib/affectfusion").exists()
    assert installed.calls("userdel affectfusion")

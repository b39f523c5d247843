"""Profiles: releases, and what of a profile is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from conformance.profile import RELEASES, Profile, numbers, release_of


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("FreeSWITCH Version 1.10.12-release~64bit ( 64bit)", "1.10.6"),
        ("FreeSWITCH Version 1.11.2-release+git~20260821T000000Z", "1.11.0"),
        ("1.10.2", "1.8.6"),
        ("1.10.3", "1.10.3"),
        ("1.8.5", "1.8.0"),
        ("a build of our own", "1.11.0"),
    ],
)
def test_a_version_behaves_as_the_last_release_that_changed_something(
    version: str, release: str
) -> None:
    assert release_of(version) == release


def test_every_release_that_the_model_asks_for_is_known() -> None:
    """With one that no version is taken for, what it changed would never be seen."""
    files = [*Path("conformance/model").glob("*.py"), Path("conformance/clauses.py")]
    asked = {
        release
        for file in files
        for release in re.findall(r"""since(?:\(|=)"([0-9.]+)\"""", file.read_text())
    }
    oldest = min(RELEASES, key=numbers)
    later = {release for release in asked if numbers(release) > numbers(oldest)}
    assert later
    assert later <= set(RELEASES)


def test_settings_are_none_before_there_is_a_file_for_them() -> None:
    """An older switch whose loopback.conf is there does not read it."""
    given = Profile(bowout_hangup_cause="USER_BUSY", global_variables=(("loopback_bowout", "1"),))
    assert given.at_release("1.8.6") == replace(given, release="1.8.6")
    older = given.at_release("1.8.0")
    assert (older.release, older.changed()) == (
        "1.8.0",
        {"global_variables": given.global_variables},
    )


def test_the_release_is_no_setting() -> None:
    """Nobody is told to set it, and no finding is made simpler by another one."""
    assert Profile(release="1.11.0").changed() == {}
    assert str(Profile(release="1.11.0")) == "defaults"


def test_a_release_that_nobody_measured_is_refused() -> None:
    with pytest.raises(ValueError, match=r"older than 1\.8\.0"):
        release_of("1.6.20")


@pytest.mark.parametrize("text", ["", "1", "v1.10.2", "1.10.", "one.two"])
def test_what_is_no_release_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a release"):
        numbers(text)


def test_releases_are_compared_by_number() -> None:
    """1.10 is later than 1.8, which a comparison of texts gets wrong."""
    assert Profile(release="1.10.3").since("1.8.6")
    assert not Profile(release="1.8.6").since("1.10.3")


def test_a_profile_says_what_differs_from_the_defaults() -> None:
    profile = Profile(fire_bowout_on_bridge=True, global_variables=(("loopback_bowout", "no"),))
    assert str(profile) == "fire-bowout-on-bridge=true, global loopback_bowout=no"
    assert str(Profile()) == "defaults"

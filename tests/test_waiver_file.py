"""The reviewed file of waivers: one bad file per message, and what a right one becomes."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.errors import ConfigError
from auditor.model import ABSENT
from auditor.waiver_file import WaiverFile, load_waivers
from auditor.waivers import Waiver, covers, digest_of
from tests.store.samples import breach

BAD = Path(__file__).parent / "bad_waivers"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
COMMON = "owner: ana, reason: known, created: 2026-11-01, expires: 2026-12-01"


def read(folder: Path, text: str, now: datetime = NOW) -> WaiverFile:
    (folder / "waivers.yaml").write_text(text)
    return load_waivers(folder / "waivers.yaml", now)


def one(folder: Path, fields: str, common: str = COMMON) -> Waiver:
    (waiver,) = read(folder, f"waivers:\n  - {{{fields}, {common}}}\n").waivers
    return waiver


@pytest.mark.parametrize("name", sorted(path.stem for path in BAD.glob("*.yaml")))
def test_each_bad_file_is_told_in_these_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message beside the file is the message, to the letter. (Set UPDATE_GOLDEN=1 to write them anew.)"""
    monkeypatch.chdir(BAD)
    with pytest.raises(ConfigError) as caught:
        load_waivers(Path(f"{name}.yaml"), NOW, ("staging", "prod"))
    told = "".join(f"{problem}\n" for problem in caught.value.problems)
    if os.environ.get("UPDATE_GOLDEN"):
        Path(f"{name}.txt").write_text(told)
    assert told == Path(f"{name}.txt").read_text()


def test_no_expected_message_is_left_without_its_file() -> None:
    """Files and messages come in pairs."""
    assert {path.stem for path in BAD.glob("*.txt")} == {path.stem for path in BAD.glob("*.yaml")}


def test_every_key_arrives(tmp_path: Path) -> None:
    """With its own line as the origin, times in UTC, and text without blanks around it."""
    text = """\
longest: 365d

waivers:
  # the December window
  - fingerprint: [98ba2880, edd23004ffffffffffffffffffffffff]
    left: staging
    right: prod
    rule: acme/version-behind
    kind: aws.rds.*
    identity: orders-{env}
    path: engine_version
    while: {left: 15.10, right: "16.1"}
    owner: " ana@example.com "
    reason: |
      Upgrade in the December window
    created: 2026-11-01T09:30:00+02:00
    expires: 2027-10-31T18:00Z
"""
    found = read(tmp_path, text)
    assert found.longest == timedelta(days=365)
    assert found.waivers == (
        Waiver(
            id=found.waivers[0].id,
            owner="ana@example.com",
            reason="Upgrade in the December window",
            created_at=datetime(2026, 11, 1, 7, 30, tzinfo=UTC),
            expires_at=datetime(2027, 10, 31, 18, tzinfo=UTC),
            origin="waivers.yaml:5",
            fingerprints=("98ba2880", "edd23004ffffffffffffffffffffffff"),
            left="staging",
            right="prod",
            rule="acme/version-behind",
            kind="aws.rds.*",
            identity="orders-{env}",
            path="engine_version",
            values=digest_of("15.10", "16.1"),
        ),
    )


def test_a_day_counts_from_its_beginning_or_until_its_end(tmp_path: Path) -> None:
    """`created` is the first instant of its day, `expires` the last of its."""
    waiver = one(tmp_path, "rule: size")
    assert waiver.created_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert waiver.expires_at == datetime(2026, 12, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("longest", "expires", "right"),
    [
        ("", "2027-01-30", True),
        ("", "2027-01-31", False),
        ("", "2027-01-31T00:00Z", True),
        ("longest: 2w", "2026-11-15", True),
        ("longest: 2w", "2026-11-16", False),
        ("longest: 366d", "2027-11-02", True),
        ("longest: 366d", "2027-11-03", False),
    ],
)
def test_a_waiver_lasts_ninety_days_or_as_long_as_the_file_allows(
    tmp_path: Path, longest: str, expires: str, right: bool
) -> None:
    """From the end of the day on which it was decided, to the last of the days allowed."""
    text = f"{longest}\nwaivers: [{{rule: size, owner: a, reason: b, created: 2026-11-01, expires: {expires}}}]\n"
    if right:
        assert len(read(tmp_path, text).waivers) == 1
    else:
        with pytest.raises(ConfigError, match="after `created`"):
            read(tmp_path, text)


def test_what_yaml_takes_for_a_number_is_the_text_that_stands_there(tmp_path: Path) -> None:
    """A fingerprint may be all digits, or look like a power of ten."""
    assert one(tmp_path, "fingerprint: 00123456").fingerprints == ("00123456",)
    assert one(tmp_path, "fingerprint: [1e000005, 98280000]").fingerprints == ("1e000005", "98280000")
    assert one(tmp_path, "rule: 7").rule == "7"


def test_a_side_that_is_not_written_is_absent_and_null_is_null(tmp_path: Path) -> None:
    """`while` says of one side only what the other lacks; lists and maps are values, too."""
    assert one(tmp_path, "rule: size, while: {left: yes}").values == digest_of("yes", ABSENT)
    assert one(tmp_path, "rule: size, while: {left: 1, right: null}").values == digest_of(1, None)
    assert one(tmp_path, "rule: size, while: {left: [1, true], right: {a: 2.50}}").values == digest_of(
        ["1", True], {"a": "2.50"}
    )


def test_the_values_as_the_report_prints_them_cover_the_finding(tmp_path: Path) -> None:
    """What a person copies from `audit show` is what was observed."""
    waiver = one(tmp_path, "identity: orders-staging, while: {left: 16.3}")
    assert covers(waiver, "staging", "prod", breach())
    assert not covers(one(tmp_path, "identity: orders-staging, while: {left: 16.4}"), "staging", "prod", breach())


def test_an_expired_waiver_is_legal(tmp_path: Path) -> None:
    """A file does not become wrong by itself overnight."""
    found = read(tmp_path, f"waivers: [{{rule: size, {COMMON}}}]", NOW + timedelta(days=400))
    assert len(found.waivers) == 1


def test_an_id_follows_what_is_covered_and_whose_decision_it_is(tmp_path: Path) -> None:
    """To prolong it, to reason better or to move it in the file leaves the id; to cover something else does not."""
    first = one(tmp_path, "rule: size")
    longer = "owner: ana, reason: better, created: 2026-11-10, expires: 2026-12-24"
    moved = read(tmp_path, f"# moved\n\nwaivers:\n  - {{rule: other, {COMMON}}}\n  - {{rule: size, {longer}}}\n")
    assert moved.waivers[1].id == first.id
    assert moved.waivers[1].origin == "waivers.yaml:5"
    others = [
        one(tmp_path, fields).id for fields in ("rule: size, kind: a", "kind: size", "rule: size, while: {left: 1}")
    ]
    assert len({first.id, *others, one(tmp_path, "rule: size", COMMON.replace("ana", "bo")).id}) == 5


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "waivers: []\n", "longest: 30d\n"])
def test_a_file_without_waivers_is_right(tmp_path: Path, text: str) -> None:
    """It is there before the first waiver is."""
    assert read(tmp_path, text).waivers == ()


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    """As every file that is read."""
    with pytest.raises(ConfigError, match="there is no such file"):
        load_waivers(tmp_path / "none.yaml", NOW)

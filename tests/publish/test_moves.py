"""Which side moved, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.model import ABSENT, Author, Category, Finding, Moved, Severity
from auditor.publish.moves import moved_brief, moved_object, moved_text

from .audits import UPGRADED, finding

NINE = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)
MOVED = Moved("right", "prod", NINE, NINE + timedelta(minutes=15), "15.4", "15.8", "p-2")


def of(moved: Moved | None, left: Any = "15.4", right: Any = "15.8", *path: str) -> Finding:
    """A finding about an engine version, or about what else is given."""
    kind, place = "aws.rds.instance", path or ("engine_version",)
    made = finding(
        "database-engine-version", Severity.HIGH, Category.DATABASE, kind, "orders-{env}", place, left, right
    )
    return replace(made, moved=moved)


def alone(moved: Moved, side: str) -> Finding:
    """A finding about a resource that one side only has."""
    left, right = (True, ABSENT) if side == "left" else (ABSENT, True)
    names = ("orders-staging", None) if side == "left" else (None, "orders-prod")
    rule = ("missing-resource", Severity.HIGH, Category.DATABASE, "aws.rds.instance", "orders-{env}")
    return replace(finding(*rule, (), left, right, names=names, matched_by=None), moved=moved)


BOTH = replace(MOVED, side="both")
CASES = {
    "prod went from 15.4 to 15.8 between Tue 2026-11-17 09:00 and 09:15 UTC; staging did not follow": of(MOVED),
    "prod went from 15.4 to 15.8 between Tue 2026-11-17 09:00 and 09:15 UTC; staging has 15.2": of(
        replace(MOVED, agreed=False), "15.2"
    ),
    "prod went from 15.4 to 15.8 between Tue 2026-11-17 09:00 and 09:15 UTC; staging has the same": of(MOVED, "15.8"),
    "prod got 15.8, where it had none, between Tue 2026-11-17 09:00 and 09:15 UTC; staging did not follow": of(
        replace(MOVED, old=ABSENT), ABSENT
    ),
    "staging lost 15.4 between Tue 2026-11-17 09:00 and 09:15 UTC; prod did not follow": of(
        replace(MOVED, side="left", environment="staging", new=ABSENT), ABSENT, "15.4"
    ),
    "both changed, prod from 15.4 to 15.8 and staging to 15.5, between Tue 2026-11-17 09:00 and 09:15 UTC": of(
        BOTH, "15.5"
    ),
    "it appeared in prod between Tue 2026-11-17 09:00 and 09:15 UTC; staging has none": alone(
        replace(MOVED, old=ABSENT, new=True), "right"
    ),
    "it vanished from staging between Tue 2026-11-17 09:00 and 09:15 UTC; prod still has it": alone(
        replace(MOVED, side="left", environment="staging", old=True, new=ABSENT), "right"
    ),
    "prod went from 15.4 to 15.8 between Tue 2026-11-17 23:50 and Wed 2026-11-18 00:05 UTC; staging did not follow": of(
        replace(MOVED, after=NINE.replace(hour=23, minute=50), by=NINE + timedelta(hours=15, minutes=5))
    ),
    "prod went from 15.4 to 15.8 between Tue 2026-11-17 09:00:00 and 09:00:30 UTC; staging did not follow": of(
        replace(MOVED, by=NINE + timedelta(seconds=30))
    ),
    "": of(None),
}


@pytest.mark.parametrize("sentence", CASES)
def test_one_sentence_says_who_moved_from_what_to_what_and_when(sentence: str) -> None:
    """With dates that cannot be taken for others, in UTC; and what the other side did."""
    assert moved_text(CASES[sentence]) == sentence


def test_times_are_in_utc_wherever_they_were_made() -> None:
    """A look that was taken at 10:00 in Berlin was taken at 09:00."""
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo("Europe/Berlin")
    told = moved_text(of(replace(MOVED, after=MOVED.after.astimezone(berlin), by=MOVED.by.astimezone(berlin))))
    assert "between Tue 2026-11-17 09:00 and 09:15 UTC" in told


def test_the_author_is_told_or_why_nobody_knows() -> None:
    """Through the console, the API or a service; and honestly where the records do not tell."""
    authors = {
        "by deploy/ada in the console (rds:ModifyDBInstance)": UPGRADED.author,
        "by deploy/ci through the API": Author("deploy/ci", through="api"),
        "by stack/x through cloudformation": Author("stack/x", through="cloudformation"),
        "by whom is unknown: CloudTrail may not be read": Author(unknown="CloudTrail may not be read"),
        "by whom is unknown": Author(),
    }
    for words, author in authors.items():
        assert moved_text(of(replace(MOVED, author=author))).partition("follow; ")[2] == words


def test_a_table_gets_few_words() -> None:
    """Who, from what to what, when, by whom."""
    assert moved_brief(of(UPGRADED)) == "moved: prod 14.7 -> 15.4, 2026-11-19 05:00 to 05:15 UTC, deploy/ada"
    assert moved_brief(alone(replace(MOVED, old=ABSENT, new=True), "right")) == (
        "moved: prod got it, 2026-11-17 09:00 to 09:15 UTC"
    )
    assert moved_brief(of(BOTH)) == "moved: both 15.4 -> 15.8, 2026-11-17 09:00 to 09:15 UTC"
    assert moved_brief(of(None)) == ""


def test_machines_get_every_part_of_it() -> None:
    """Absent is told from null; the sentence is there, too."""
    told = moved_object(of(replace(UPGRADED, old=ABSENT, new=None)))
    assert told is not None
    assert (told["side"], told["environment"], told["after"], told["by"], told["snapshot"]) == (
        "right", "prod", "2026-11-19T05:00:00Z", "2026-11-19T05:15:00Z", "20261119T051500-prod"
    )  # fmt: skip
    assert (told["old"], told["new"]) == ({"value": None, "absent": True}, {"value": None, "absent": False})
    assert told["sentence"].startswith("prod got null, where it had none, between Thu 2026-11-19")
    assert told["author"]["principal"] == "deploy/ada"
    assert moved_object(of(None)) is None

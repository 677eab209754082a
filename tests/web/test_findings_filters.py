"""The query string of lists of findings: read, written again, and refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from auditor.config import load_config
from auditor.model import Category, Severity, Status
from auditor.registry import Registry
from auditor.store.query import FindingQuery, Order
from auditor.web.queries.findings import Chip, FilterError, Filters, chips, read
from tests.web.site import company

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
EVERYTHING = (
    "left=staging&right=prod&severity=high&severity=critical&min_severity=low&status=resolved&status=open&category=database"
    "&kind=aws.rds.*&kind=env.file&owner=team-a&owner=-&rule=default%2Fdatabase-engine-version&cause=ami%3Aweb"
    "&text=orders+engine&older=7d&newer=2w&suggested=0&sort=oldest"
)


def test_every_filter_of_a_query_string_reaches_the_store() -> None:
    """Each parameter becomes the field of the store's query that means it; ages are counted back from now."""
    assert read(parse_qsl(EVERYTHING)).query(NOW) == FindingQuery(
        left="staging",
        right="prod",
        statuses=(Status.OPEN, Status.RESOLVED),
        severities=(Severity.CRITICAL, Severity.HIGH),
        min_severity=Severity.LOW,
        categories=(Category.DATABASE,),
        kinds=("aws.rds.*", "env.file"),
        owners=("", "team-a"),
        rule="default/database-engine-version",
        cause="ami:web",
        text="orders engine",
        older_than=NOW - timedelta(days=7),
        newer_than=NOW - timedelta(days=14),
        suggested=False,
        order=Order.OLDEST,
    )


def test_filters_written_into_a_query_string_are_read_the_same() -> None:
    """Chips, pagers and links lead to exactly what was asked for, whatever characters a name holds."""
    odd = Filters(
        left='a&b="<x>"', text="naïve 🚀 ‮", owners=("", "tëam"), kinds=("aws.*",), suggested=True, newer="24h"
    )
    for filters in (read(parse_qsl(EVERYTHING)), odd, Filters()):
        address = filters.address("/findings", after="x=1")
        pairs = parse_qsl(urlsplit(address).query)
        assert read(pairs) == filters
        assert ("after", "x=1") in pairs


def test_what_asks_for_nothing_is_no_filter() -> None:
    """A form sends its empty fields, too, and a page has parameters of its own: neither narrows the list."""
    filters = read([("text", "  "), ("severity", ""), ("after", "abc"), ("utm_source", "mail")])
    assert filters == Filters()
    assert not filters.narrowed
    assert not read([("sort", "newest")]).narrowed
    assert filters.address("/findings") == "/findings"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("severity=urgent", "severity: 'urgent' is none; use critical, high, medium, low or info"),
        ("status=closed", "status: 'closed' is none; use pending, open, acknowledged, waived, resolved or regressed"),
        ("sort=age", "sort: 'age' is none; use severity, newest, oldest or resource"),
        ("kind=*rds*", "kind: '*rds*' is neither a kind such as aws.rds.instance nor"),
        ("older=soon", "older: 'soon' is no duration; write it such as 30m, 24h, 7d or 2w"),
        ("older=7d&newer=24h", "nothing is older than 7d and newer than 24h at once"),
        ("suggested=perhaps", "suggested: 'perhaps' is neither; use 1 or 0"),
        ("rule=a&rule=b", "rule: given 2 times; give it once"),
        (f"text={'x' * 201}", "text: 201 characters are too many; use at most 200"),
        (f"owner={'x' * 401}", "owner: 401 characters are too many; use at most 400"),
        ("left=a%00b", "left: holds a character that no name has"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_sentence(query: str, said: str) -> None:
    """The sentence names the parameter, what was given, and what may stand there."""
    with pytest.raises(FilterError) as refusal:
        read(parse_qsl(query))
    assert str(refusal.value).startswith(said)


def test_a_chip_takes_one_filter_away_and_leaves_the_others() -> None:
    """Of a parameter that stands twice only the chip's own value goes."""
    filters = read(parse_qsl("severity=high&severity=low&owner=-&text=orders&sort=newest"))
    assert chips(filters) == (
        Chip("severity", "high", read(parse_qsl("severity=low&owner=-&text=orders&sort=newest"))),
        Chip("severity", "low", read(parse_qsl("severity=high&owner=-&text=orders&sort=newest"))),
        Chip("owner", "nobody's", read(parse_qsl("severity=high&severity=low&text=orders&sort=newest"))),
        Chip("text", "“orders”", read(parse_qsl("severity=high&severity=low&owner=-&sort=newest"))),
    )
    assert filters.adding("severity", "info").severities == (Severity.HIGH, Severity.LOW, Severity.INFO)
    assert filters.adding("sort", "oldest").order is Order.OLDEST


def test_an_environment_may_be_asked_for_by_its_alias(tmp_path: Path) -> None:
    """What the configuration does not know stays as it was typed: findings outlive the configuration of their pair."""
    config = load_config(company(tmp_path) / "auditor.yaml", registry=Registry.load(), environ={})
    filters = read([("left", "stg"), ("right", "bygone")]).at(config)
    assert (filters.left, filters.right) == ("staging", "bygone")

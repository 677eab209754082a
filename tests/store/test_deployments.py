from __future__ import annotations

from datetime import datetime, timedelta

from auditor.model import Resource, Snapshot
from auditor.promotion import Deployment
from auditor.store import Store, schema
from auditor.store.database import Database, parse
from tests.store import older
from tests.store.samples import at
from tests.store.samples import snapshot as sample

D1, D2 = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def runs(name: str, image: str) -> Resource:
    return Resource("compose.service", name, {"image": f"acme/{name}:{image}"}, "files:deploy")


def taken(number: int, minutes: float, *running: Resource, environment: str = "staging") -> Snapshot:
    return sample(f"s{number}-{environment}", environment, at(minutes), running)


def told(deployments: tuple[Deployment, ...]) -> list[tuple[object, ...]]:
    """Version, digest, last snapshot without it, first and last one with it, whether it still runs."""
    return [
        (each.version, each.digest, each.after, each.first_seen, each.last_seen, each.running) for each in deployments
    ]


def test_every_version_is_kept_with_when_it_ran(store: Store):
    """Also one that came back, and one that was not seen for a while; other environments do not count."""
    history = [(0, "1.0"), (15, "1.0"), (30, f"1.1@{D1}"), (45, None), (60, f"1.1@{D1}"), (75, "1.0")]
    for number, (minutes, image) in enumerate(history):
        resources = (runs("api", image),) if image else ()
        store.save_snapshot(taken(number, minutes, *resources, runs("web", "7")))
    store.save_snapshot(taken(9, 80, runs("api", "0.9"), environment="prod"))
    assert told(store.deployments("staging", "api")) == [
        ("1.0", None, None, at(0), at(15), False),
        ("1.1", D1, at(15), at(30), at(30), False),
        ("1.1", D1, at(45), at(60), at(60), False),
        ("1.0", None, at(60), at(75), at(75), True),
    ]
    assert [each.component for each in store.deployments("staging")] == ["api"] * 4 + ["web"]
    assert told(store.deployments("staging", "web")) == [("7", None, None, at(0), at(75), True)]
    assert told(store.deployments("staging", "api", since=at(45))) == [
        ("1.1", D1, at(45), at(60), at(60), False),
        ("1.0", None, at(60), at(75), at(75), True),
    ]
    assert told(store.deployments("prod")) == [("0.9", None, None, at(80), at(80), True)]
    assert store.deployments("test") == ()


def test_what_ran_while_nobody_looked_is_not_made_up(store: Store):
    """After two days without a snapshot the same version begins a new stretch: another may have run in between."""
    days = 24 * 60
    for number, minutes in enumerate((0, days, 3 * days)):
        store.save_snapshot(taken(number, minutes, runs("api", "1.0")))
    assert told(store.deployments("staging", "api")) == [
        ("1.0", None, None, at(0), at(days), False),
        ("1.0", None, at(days), at(3 * days), at(3 * days), True),
    ]


def test_a_clock_that_is_set_back_ends_nothing_before_it_began(store: Store):
    """The snapshot that was recorded last is the last, whatever its time."""
    store.save_snapshot(taken(0, 60, runs("api", "1.0")))
    store.save_snapshot(taken(1, 0, runs("api", "1.1")))
    assert told(store.deployments("staging")) == [
        ("1.0", None, None, at(60), at(60), False),
        ("1.1", None, at(60), at(60), at(60), True),
    ]


def test_the_history_outlives_the_snapshots(store: Store):
    """Pruning takes snapshots, not what they told."""
    for number, image in enumerate(("1.0", "1.1", "1.2")):
        store.save_snapshot(taken(number, number, runs("api", image)))
    kept = store.deployments("staging")
    assert store.prune(at(60)).snapshots == 2
    assert store.deployments("staging") == kept
    assert [each.version for each in kept] == ["1.0", "1.1", "1.2"]


def test_the_history_is_made_up_for_from_stored_snapshots(empty_url: str):
    """A store from before there was this history learns it from its snapshots, under the environment's own names."""
    older.make(empty_url, "0003")
    database = Database(parse(empty_url))
    for number, image in enumerate(("1.0", "1.0", "1.1")):
        with database.writing() as session:
            older.save(session.connection(), taken(number, number * 15, runs("api-staging", image)), number)
    database.close()
    assert schema.upgrade(empty_url) == schema.Upgrade("0003", schema.HEAD)
    with Store.open(empty_url) as store:
        assert store.deployments("staging") == ()
        store.save_snapshot(taken(3, 45, runs("api-staging", "1.1")), ["staging"])
        made_up = store.deployments("staging", "api")
    assert told(made_up) == [
        ("1.0", None, None, at(0), at(15), False),
        ("1.1", None, at(15), at(30), at(45), True),
    ]


def test_the_first_version_of_the_tables_can_be_brought_up_to_date(empty_url: str):
    """What an old store holds stays, and the history begins with the next snapshot."""
    older.make(empty_url, "0001")
    schema.upgrade(empty_url)
    with Store.open(empty_url) as store:
        store.save_snapshot(taken(0, 0, runs("api", "1.0")))
        assert told(store.deployments("staging")) == [("1.0", None, None, at(0), at(0), True)]


def test_when_it_was_deployed_is_kept_as_the_source_says(store: Store):
    """An endpoint that tells it is believed, for the version it had first."""
    deployed: datetime = at(-90)
    attributes = {"version": "2.0", "deployed": deployed.isoformat()}
    store.save_snapshot(taken(0, 0, Resource("http.version", "api", attributes, "http")))
    (found,) = store.deployments("staging", "api")
    assert (found.deployed_at, found.began, found.after) == (deployed, deployed, None)
    assert found.last_seen - found.began == timedelta(minutes=90)

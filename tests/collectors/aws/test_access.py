"""Sessions and clients outlive a run as long as nothing changes who they are, and every answer is told to who asked."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.hooks import EVENT_ALIASES, EventAliaser, HierarchicalEmitter
from botocore.utils import parse_timestamp

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import Gap, Resource
from collectors.aws import AwsCollector, AwsOptions
from collectors.aws._access import Models, Sessions, moment
from collectors.aws._events import Events
from collectors.aws._session import Source
from tests.collectors.aws.reading import CREDENTIALS
from tests.collectors.aws.recordings import Refusal, Stand, stand

ROLE = "arn:aws:iam::111122223333:role/Auditor"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file of AWS's with one profile, and nothing else that would say who we are."""
    for name in (*CREDENTIALS, "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "config"
    _write(path, "AKIAFIRST00000000000")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return path


def _write(path: Path, key: str) -> None:
    path.write_text(f"[profile acme]\naws_access_key_id = {key}\naws_secret_access_key = s\n")


def options(url: str = NOWHERE, **others: Any) -> AwsOptions:
    chosen = {"profile": "acme", "regions": ("eu-west-1",), "max_attempts": 1, **others}
    return AwsOptions(endpoint_url=url, **chosen)


def _source(sessions: Sessions, **others: Any) -> Source:
    return Source(options(**others), lambda *_: None, sessions=sessions)


class Ticks:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_client_is_made_once_for_each_account_service_and_region_however_many_threads_want_it() -> None:
    """Sixteen threads ask for two services in two regions of two profiles' worth of sources."""
    sessions = Sessions()
    sources = [_source(sessions), _source(sessions), _source(sessions, session_name="another-account")]
    made: Counter[int] = Counter()
    for number, access in enumerate({id(each._access): each._access for each in sources}.values()):
        access.session.register("creating-client-class.*", lambda number=number, **_: made.update([number]))
    wanted = [(each, service, region) for each in sources for service in ("sqs", "sns") for region in ("a-1", "b-1")]
    together = threading.Barrier(len(wanted))

    def get(source: Source, service: str, region: str) -> Any:
        together.wait(10)
        return source.client(service, region)

    with ThreadPoolExecutor(len(wanted)) as pool:
        clients = list(pool.map(lambda each: get(*each), wanted))
    assert made == {0: 4, 1: 4}
    assert [id(each) for each in clients[:4]] == [id(each) for each in clients[4:8]]
    assert not {id(each) for each in clients[:4]} & {id(each) for each in clients[8:]}


def test_a_description_of_a_service_is_read_once_however_many_threads_want_it() -> None:
    """Four threads ask while the first still reads; nobody else reads the same file."""
    models, read, again = Models(), Counter[str](), threading.Event()
    load, together = models.file_loader.load_file, threading.Barrier(4)

    def watched(path: str) -> Any:
        read[Path(path).name] += 1
        if read[Path(path).name] > 1:
            again.set()
        elif Path(path).name == "service-2":
            # Time for the others to come.
            again.wait(0.3)
        return load(path)

    models.file_loader.load_file = watched

    def ask(_: int) -> Any:
        together.wait(10)
        return models.load_service_model("sts", "service-2")

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert read["service-2"] == 1
    assert all(each is found[0] for each in found)
    assert found[0]["metadata"]["endpointPrefix"] == "sts"


def test_the_next_run_has_the_clients_of_the_last() -> None:
    """Making them takes longer than the calls that most of them are asked for."""
    sessions = Sessions()
    assert _source(sessions).client("sqs", "eu-west-1") is _source(sessions).client("sqs", "eu-west-1")
    assert Source(options(), lambda *_: None).client("sqs", "eu-west-1") is not _source(sessions).client(
        "sqs", "eu-west-1"
    )


@pytest.mark.parametrize("what", ["file", "setting", "options", "age"])
def test_what_may_change_who_we_are_opens_a_new_session(
    what: str, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another key in the file, a setting in the environment, other options, or an hour."""
    ticks = Ticks()
    sessions = Sessions(ticks)
    before = _source(sessions).client("sqs", "eu-west-1")
    others: dict[str, Any] = {}
    if what == "file":
        _write(files, "AKIASECOND0000000000")
    elif what == "setting":
        monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    elif what == "options":
        others = {"read_timeout": 3.0}
    else:
        ticks.now = 3600.0
    after = _source(sessions, **others).client("sqs", "eu-west-1")
    assert after is not before
    if what == "file":
        assert after._get_credentials().access_key == "AKIASECOND0000000000"


def test_there_are_only_so_many_clients_however_many_accounts_are_read() -> None:
    """Of three with room for two the first is made anew, and goes on working for whoever has it."""
    sessions = Sessions(most_clients=2)
    sources = [_source(sessions, session_name=name) for name in ("aa", "bb", "cc")]
    first, second, third = (each.client("sqs", "eu-west-1") for each in sources)
    assert [each.client("sqs", "eu-west-1") for each in sources[1:]] == [second, third]
    assert sources[0].client("sqs", "eu-west-1") is not first
    assert sources[1].client("sqs", "eu-west-1") is not second


def _assumed(_: Mapping[str, Any]) -> Mapping[str, Any]:
    expires = datetime.now(UTC) + timedelta(hours=1)
    keys = {"AccessKeyId": "ASIATESTING000000000", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": expires}
    return {"Credentials": keys}


def test_a_role_is_assumed_once_for_two_runs_and_again_when_what_is_kept_is_refused() -> None:
    """Keys may be revoked where nobody can look: then the run begins anew instead of failing, once."""
    with stand({"sts.AssumeRole": _assumed}) as running:
        collector, chosen = AwsCollector(), options(running.endpoint_url, role_arn=ROLE, services=("kms",))
        context = Context("staging", Path())
        assert [task.account for _ in range(2) for task in collector.plan(chosen, context)] == ["111122223333"] * 2
        assert running.count("sts.AssumeRole") == 1
        who = running.answers["sts.GetCallerIdentity"]
        refusals: Iterator[Any] = iter([Refusal("ExpiredToken", 403), who])
        running.answers["sts.GetCallerIdentity"] = lambda _: next(refusals)
        assert [task.account for task in collector.plan(chosen, context)] == ["111122223333"]
        assert running.count("sts.AssumeRole") == 2
        running.answers["sts.GetCallerIdentity"] = Refusal("AccessDenied", 403)
        asked = running.count("sts.GetCallerIdentity")
        with pytest.raises(CollectError, match="allow sts:GetCallerIdentity"):
            collector.plan(chosen, context)
        assert running.count("sts.GetCallerIdentity") == asked + 2
        with pytest.raises(CollectError, match="allow sts:GetCallerIdentity"):
            AwsCollector().plan(chosen, context)
        assert running.count("sts.GetCallerIdentity") == asked + 3


def test_answers_are_told_to_the_run_that_asked_although_the_clients_are_older() -> None:
    """Each of two runs counts its own requests, to STS and to the service."""
    counts: list[Counter[tuple[str, str]]] = [Counter(), Counter()]
    with stand({"sqs.ListQueues": {"QueueUrls": []}}) as running:
        collector = AwsCollector()
        for count in counts:
            context = Context("staging", Path(), meter=lambda *told, count=count: count.update([told]))
            for task in collector.plan(options(running.endpoint_url, services=("sqs",)), context):
                assert list(task.run()) == []
    assert counts == [Counter({("sts", "ok"): 1, ("sqs", "ok"): 1})] * 2


FUNCTION: dict[str, Any] = {
    "FunctionName": "resize",
    "FunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:resize",
    "PackageType": "Image",
    "RevisionId": "r-1",
    "CodeSha256": "c-1",
    "LastModified": "2026-01-01T00:00:00.000+0000",
}


class Functions:
    """One Lambda function from an image, read run after run by one collector."""

    def __init__(self, running: Stand) -> None:
        self._running = running
        self._collector = AwsCollector()
        self.function = dict(FUNCTION)
        self.image: Any = "registry/resize:1"
        self.code_revision: str | None = None
        running.answers |= {
            "lambda.ListFunctions": lambda _: {"Functions": [self.function]},
            "lambda.ListAliases": {"Aliases": []},
            "lambda.GetFunctionConcurrency": {},
            "lambda.ListTags": {"Tags": {}},
            "lambda.GetFunction": lambda _: self._told(),
        }

    def _told(self) -> Any:
        if isinstance(self.image, Refusal):
            return self.image
        revision = self.code_revision or self.function["RevisionId"]
        return {"Code": {"ImageUri": self.image}, "Configuration": {**self.function, "RevisionId": revision}}

    def read(self) -> tuple[Any, list[str | None], int]:
        """The image, the attributes that are gaps, and how often the image was asked for so far."""
        chosen = options(self._running.endpoint_url, services=("lambda",), requests_per_second=1000)
        found = [each for task in self._collector.plan(chosen, Context("s", Path())) for each in task.run()]
        (function,) = (each for each in found if isinstance(each, Resource))
        gaps = [each.attribute for each in found if isinstance(each, Gap)]
        return function.attributes.get("image_uri", "unread"), gaps, self._running.count("lambda.GetFunction")


@pytest.fixture
def functions() -> Iterator[Functions]:
    with stand({}) as running:
        yield Functions(running)


def test_an_image_is_read_again_only_where_the_listing_says_that_the_function_changed(functions: Functions) -> None:
    """The revision is what Lambda changes with every update; each part of the proof counts."""
    assert functions.read() == ("registry/resize:1", [], 1)
    assert functions.read() == ("registry/resize:1", [], 1)
    functions.image = "registry/resize:2"
    for asked, changed in enumerate(("RevisionId", "CodeSha256", "LastModified"), start=2):
        functions.function[changed] = "another"
        assert functions.read() == ("registry/resize:2", [], asked)
        assert functions.read() == ("registry/resize:2", [], asked)


@pytest.mark.parametrize("untold", ["RevisionId", "CodeSha256"])
def test_without_a_whole_proof_the_image_is_read_every_time(functions: Functions, untold: str) -> None:
    """A listing that tells no revision or no digest proves nothing."""
    del functions.function[untold]
    functions.code_revision = "r-1"
    assert [functions.read()[2] for _ in range(2)] == [1, 2]


def test_a_denied_image_stays_a_gap_while_the_listing_does_not_change(functions: Functions) -> None:
    """A refusal is never remembered as an answer, nor is an answer given instead of it once one was had."""
    functions.image = Refusal("AccessDeniedException", 403)
    assert functions.read() == ("unread", ["image_uri"], 1)
    assert functions.read() == ("unread", ["image_uri"], 2)
    functions.image = "registry/resize:1"
    assert functions.read() == ("registry/resize:1", [], 3)


def test_an_answer_about_another_revision_is_not_kept(functions: Functions) -> None:
    """The function was updated between the listing and the look at it."""
    functions.code_revision, functions.image = "r-2", "registry/resize:2"
    assert functions.read() == ("registry/resize:2", [], 1)
    functions.code_revision, functions.image = None, "registry/resize:1"
    assert functions.read() == ("registry/resize:1", [], 2)


@pytest.mark.parametrize(
    "told",
    [
        "2024-01-02T03:04:05Z",
        "2024-01-02T03:04:05.12Z",
        "2024-01-02T03:04:05.123456+02:00",
        "2024-01-02T03:04:05",
        "2024-01-02",
        "Tue, 02 Jan 2024 03:04:05 GMT",
        "1704164645",
        1704164645.25,
    ],
)
def test_times_are_read_as_botocore_reads_them(told: str | float) -> None:
    """Quicker where they are spelled as usual, and the same whatever they look like."""
    assert moment(told) == parse_timestamp(told)
    assert moment(told).utcoffset() == parse_timestamp(told).utcoffset()


def test_what_is_no_time_is_refused_as_botocore_refuses_it() -> None:
    """A day that there is not, spelled as usual, is a broken answer, and no other day."""
    for told in ("2024-02-30T00:00:00Z", "yesterday"):
        with pytest.raises(ValueError, match=r"day|timestamp"):
            moment(told)


def test_what_asks_for_one_thing_after_another_begins_before_what_is_listed_at_once() -> None:
    """Or a run would end with waiting for it, whatever else has long been read."""
    with stand({}) as running:
        chosen = options(running.endpoint_url, services=("ecs", "kms", "rds"))
        planned = [task.kinds[0] for task in AwsCollector().plan(chosen, Context("staging", Path()))]
    assert set(planned[:2]) == {"aws.kms.key", "aws.ecs.task_definition"}
    assert set(planned[-2:]) == {"aws.rds.instance", "aws.rds.cluster"}


def test_what_is_registered_under_an_old_name_of_a_service_hears_its_events_in_every_client() -> None:
    heard: list[str] = []
    source = _source(Sessions())
    for region in ("eu-west-1", "us-east-1"):
        events = source.client("elbv2", region).meta.events
        events.register("told.elbv2", lambda event_name, **_: heard.append(event_name))
        events.emit("told.elastic-load-balancing-v2.DescribeLoadBalancers")
        events.emit("told.elbv2.DescribeTags")
        assert isinstance(events, Events)
    spelled = ("DescribeLoadBalancers", "DescribeTags")
    assert heard == [f"told.elastic-load-balancing-v2.{each}" for each in spelled] * 2


@pytest.mark.parametrize("name", [*EVENT_ALIASES, "s3", "kms", "apigateway.v2"])
def test_an_event_has_the_name_that_botocore_gives_it_the_second_time_as_well(name: str) -> None:
    spelled = [f"before-call.{name}", f"before-call.{name}.DescribeThings", f"{name}"]
    expected = [EventAliaser(HierarchicalEmitter())._alias_event_name(each) for each in spelled]
    for _ in range(2):
        assert [Events(HierarchicalEmitter())._alias_event_name(each) for each in spelled] == expected

"""Reads kinds through the whole reader with the last step, the wire, replaced by a function of the operation: botocore
checks the parameters, pages, and raises its own errors, and no socket is opened."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from botocore.exceptions import UnknownServiceError

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Resource
from collectors.aws import AwsOptions
from collectors.aws._errors import BROKEN_ANSWER
from collectors.aws._reader import Reader
from collectors.aws._run import read_kind
from collectors.aws._session import Source
from collectors.aws.base import AwsKind
from tests.collectors.aws.generated import Place
from tests.collectors.aws.reading import CREDENTIALS, Seen
from tests.collectors.aws.recordings import Refusal

# What an operation (a botocore `OperationModel`), asked with these parameters, answers. It may raise what botocore raises.
Answering = Callable[[Any, Mapping[str, Any]], Mapping[str, Any] | Refusal]
_MOST_CALLS = 2_000


class Answered(Source):
    """A source whose clients ask `answering` instead of the network. `asked` is every call so far."""

    def __init__(self, region: str, *, one_client: bool = False) -> None:
        self.answering: Answering = lambda *_: {}
        self.asked: list[str] = []
        self.one_client = one_client
        # Several resources are read at a time, and what makes up answers remembers what it was asked.
        self._one_at_a_time = threading.Lock()
        with patch.dict(os.environ, CREDENTIALS):
            super().__init__(AwsOptions(regions=(region,), max_attempts=1, requests_per_second=1e6), lambda *_: None)
        self.session = self._access.session
        self.session.register("provide-client-params.*.*", self._told)
        self.session.register("before-call.*.*", self._asked)

    def client(self, service: str, region: str) -> Any:
        """One for all regions: what is answered does not come from one."""
        return super().client(service, self.regions[0] if self.one_client else region)

    def pager(self, service: str, operation: str) -> Mapping[str, Any]:
        """How botocore pages through an operation; empty where it does not."""
        loader = self.session.get_component("data_loader")
        try:
            pagers: Mapping[str, Any] = loader.load_service_model(service, "paginators-1")["pagination"]
        except UnknownServiceError:
            return {}
        found: Mapping[str, Any] = pagers.get(operation, {})
        return found

    @staticmethod
    def _told(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["asked"] = params

    def _asked(self, model: Any, context: Mapping[str, Any], **_: Any) -> tuple[Any, Mapping[str, Any]]:
        self.asked.append(f"{model.service_model.service_name}.{model.name}")
        assert len(self.asked) < _MOST_CALLS, f"{self.asked[-1]} is asked without an end"
        with self._one_at_a_time:
            answer = self.answering(model, context["asked"])
        status = answer.status if isinstance(answer, Refusal) else 200
        if isinstance(answer, Refusal):
            answer = {"Error": {"Code": answer.code, "Message": answer.message}}
        parsed = {**answer, "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r", "HTTPHeaders": {}}}
        return AWSResponse("https://stand.in", status, {}, None), parsed


def read_by(source: Answered, kind: AwsKind, place: Place, answering: Answering) -> Seen:
    """Everything that reading one kind gives when every operation answers as `answering` says."""
    source.answering = answering
    source.asked.clear()
    context = Context(place.name, Path(), fingerprint=lambda value: f"{hash(value):032x}"[-32:])
    found: list[Resource] = []
    gaps: list[Gap] = []
    failed = None
    with patch.dict(os.environ, CREDENTIALS):
        reader = Reader(kind, source, f"aws:{place.name}", place.account, place.region, context)
        try:
            for each in read_kind(reader):
                (gaps if isinstance(each, Gap) else found).append(each)  # type: ignore[arg-type]
        except CollectError as error:
            failed = error
        except BROKEN_ANSWER as error:  # as `collect.py` takes whatever else escapes
            failed = CollectError(GapReason.MALFORMED, repr(error))
    return Seen(tuple(found), tuple(gaps), failed)

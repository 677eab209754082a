"""What botocore raises -> why something could not be observed. One table, by code; never by message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import ParseError

from botocore import exceptions, parsers

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors._meter import ERROR, OK
from collectors._meter import outcome as outcome_of
from collectors.aws._codes import code_of
from collectors.aws.base import action

_DENIED = (
    "AccessDenied AccessDeniedException AccessDeniedFault AuthorizationError AuthorizationErrorException "
    "UnauthorizedOperation UnauthorizedAccess UnauthorizedException NotAuthorized NotAuthorizedException Forbidden "
    "ForbiddenException AllAccessDisabled AccountProblem"
)
_EXPIRED = "ExpiredToken ExpiredTokenException RequestExpired TokenRefreshRequired"
# The key is not known *here*: wrong, deleted, or a region that the account has not enabled.
_UNKNOWN_KEY = (
    "AuthFailure InvalidClientTokenId UnrecognizedClientException InvalidAccessKeyId InvalidToken OptInRequired "
    "MissingAuthenticationToken IncompleteSignature SignatureDoesNotMatch InvalidSignatureException "
    "NotSignedUp SubscriptionRequiredException RegionDisabledException"
)
_THROTTLED = (
    "Throttling ThrottlingException ThrottledException ThrottlingError RequestThrottled RequestThrottledException "
    "RequestLimitExceeded TooManyRequests TooManyRequestsException BandwidthLimitExceeded LimitExceededException "
    "ProvisionedThroughputExceededException TransactionInProgressException SlowDown PriorRequestNotComplete "
    "EC2ThrottledException RateExceeded 429"
)
_TIMEOUT = "RequestTimeout RequestTimeoutException RequestTimedOut GatewayTimeout GatewayTimeoutException 504 408"
_UNREACHABLE = (
    "InternalError InternalFailure InternalServerError InternalServerException InternalServiceError "
    "InternalServiceException ServerException ServiceException ServiceUnavailable ServiceUnavailableException "
    "Unavailable DependencyFailureException 502 503"
)
_UNSUPPORTED = (
    "UnknownOperationException UnknownOperation InvalidAction UnsupportedOperation UnsupportedOperationException "
    "NotImplemented OperationNotSupportedException OperationNotPermitted InvalidRequest"
)

REASONS: dict[str, GapReason] = {
    code: reason
    for codes, reason in (
        (_DENIED, GapReason.ACCESS_DENIED),
        (_EXPIRED, GapReason.ACCESS_DENIED),
        (_UNKNOWN_KEY, GapReason.ACCESS_DENIED),
        (_THROTTLED, GapReason.THROTTLED),
        (_TIMEOUT, GapReason.TIMEOUT),
        (_UNREACHABLE, GapReason.UNREACHABLE),
        (_UNSUPPORTED, GapReason.UNSUPPORTED),
    )
    for code in codes.split()
}

# Answers that parsers choke on outside their own error type: a date that is none, a structure that is a string.
BROKEN_ANSWER = (parsers.ResponseParserError, ParseError, ValueError, TypeError, KeyError, AttributeError)
EXPECTED = (exceptions.ClientError, exceptions.BotoCoreError, exceptions.HTTPClientError, *BROKEN_ANSWER)

_KEY = re.compile(r"\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,}\b")
_MESSAGE_LENGTH = 200
_ALLOW = re.compile(r"; allow ([a-z0-9-]+:[A-Za-z]+)\Z")


def outcome(answer: Mapping[str, Any] | None) -> str:
    """How one request ended, of botocore's parsed answer: `ok`, `throttled`, `denied` or `error`. None: no answer."""
    if answer is None:
        return ERROR
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) or 0)
    if status < 300:
        return OK
    code = str(answer.get("Error", {}).get("Code", ""))
    return outcome_of(REASONS.get(code) or _reason_by_status(code, status))


def translate(error: BaseException, service: str, operation: str, region: str, *, known: bool) -> CollectError:
    """Our error for one of `EXPECTED`. `known`: the same credentials were accepted elsewhere in this run."""
    call = f"{service}:{operation}"
    if isinstance(error, exceptions.ClientError):
        return _refused(error, service, operation, region, known=known)
    reason, remedy = _broken(error)
    text = f"{call} in {region}: {type(error).__name__}"
    return CollectError(reason, f"{text}; {remedy}" if remedy else text)


def _refused(error: BaseException, service: str, operation: str, region: str, *, known: bool) -> CollectError:
    response = getattr(error, "response", {})
    code = code_of(error)
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) or 0)
    asked = str(getattr(error, "operation_name", operation))
    # Credentials are refreshed in the middle of any call; then it is the refreshing that failed.
    service = "sts" if asked.startswith("AssumeRole") else service
    text = f"{service}:{asked} in {region}: {code or status}"
    if code in _UNKNOWN_KEY.split():
        return CollectError(GapReason.ACCESS_DENIED, f"{text}; {_unknown_key_remedy(region, known=known)}")
    if code in _EXPIRED.split():
        return CollectError(GapReason.ACCESS_DENIED, f"{text}; the credentials have expired, renew them")
    reason = REASONS.get(code) or _reason_by_status(code, status)
    if reason is GapReason.ACCESS_DENIED:
        return CollectError(reason, f"{text}; allow {action(service, asked)}")
    if reason is GapReason.THROTTLED:
        return CollectError(reason, f"{text}; still throttled after every retry, lower requests_per_second")
    if reason is GapReason.MALFORMED:
        return CollectError(reason, f"{text}; the answer is not one that AWS gives, look at endpoint_url or a proxy")
    message = _KEY.sub("***", str(response.get("Error", {}).get("Message", "")))[:_MESSAGE_LENGTH].strip()
    return CollectError(reason, f"{text}: {message}" if message else text)


def _unknown_key_remedy(region: str, *, known: bool) -> str:
    if known:
        return (
            f"the credentials work elsewhere, so {region} is probably not enabled for the account: "
            "enable it, or take it out of regions"
        )
    return "the credentials are not accepted: wrong, deleted, or not for this region"


def _reason_by_status(code: str, status: int) -> GapReason:
    if code.isdigit() or not code:  # no code of AWS's: something else answered
        return {401: GapReason.ACCESS_DENIED, 403: GapReason.ACCESS_DENIED}.get(status, GapReason.MALFORMED)
    if status in (401, 403):
        return GapReason.ACCESS_DENIED
    if status == 429:
        return GapReason.THROTTLED
    return GapReason.UNREACHABLE if status >= 500 else GapReason.UNSUPPORTED


def _broken(error: BaseException) -> tuple[GapReason, str]:
    for types, reason, remedy in (
        ((exceptions.ConnectTimeoutError, exceptions.ReadTimeoutError), GapReason.TIMEOUT, "no answer in time"),
        ((exceptions.SSLError,), GapReason.UNREACHABLE, "the TLS certificate was not accepted"),
        (
            (exceptions.ProxyConnectionError,),
            GapReason.UNREACHABLE,
            "the proxy could not be reached, look at HTTPS_PROXY",
        ),
        (
            (exceptions.EndpointConnectionError,),
            GapReason.UNREACHABLE,
            "could not connect: the service may not exist in this region, or the network bars it",
        ),
        (
            (exceptions.NoCredentialsError, exceptions.PartialCredentialsError),
            GapReason.ACCESS_DENIED,
            "no credentials found: set profile or role_arn, or provide AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
        (
            (
                exceptions.CredentialRetrievalError,
                exceptions.TokenRetrievalError,
                exceptions.SSOError,
                exceptions.UnauthorizedSSOTokenError,
                exceptions.NoAuthTokenError,
                exceptions.LoginError,
            ),
            GapReason.ACCESS_DENIED,
            "the credentials could not be refreshed, sign in again",
        ),
        (
            (exceptions.ProfileNotFound,),
            GapReason.ACCESS_DENIED,
            "there is no such profile in the AWS configuration files",
        ),
        (
            (exceptions.UnknownServiceError, exceptions.UnknownRegionError, exceptions.InvalidRegionError),
            GapReason.UNSUPPORTED,
            "",
        ),
        ((exceptions.PaginationError,), GapReason.TRUNCATED, "the listing does not come to an end"),
        ((exceptions.HTTPClientError, exceptions.ConnectionError), GapReason.UNREACHABLE, "the connection broke"),
    ):
        if isinstance(error, types):
            return reason, remedy
    if isinstance(error, BROKEN_ANSWER):
        return GapReason.MALFORMED, "the answer could not be understood"
    return GapReason.UNSUPPORTED, _KEY.sub("***", str(error))[:_MESSAGE_LENGTH]


def missing_action(detail: str) -> str | None:
    """The IAM action that was refused, of the detail of a gap that `translate` wrote; None where it names none."""
    found = _ALLOW.search(detail)
    return found[1] if found else None

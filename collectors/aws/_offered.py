"""What an account cannot have: a service that is not sold in a region, or that the account never subscribed to.

Reading such a service fails, and yet nothing is hidden behind the failure: the listing is complete, and empty. All that
might hide something - denied, forbidden by a service control policy, a network that does not let us through - stays a gap.
"""

from __future__ import annotations

from typing import Any

from botocore import exceptions

from collectors.aws._codes import code_of

# Signed up for account by account; who is not has none. In AWS's words, not a permission that is missing.
_NOT_SUBSCRIBED = frozenset(
    {
        "NotSignedUp",
        "OptInRequired",
        "SubscriptionRequiredException",
        "NotSubscribedException",
        "AWSOrganizationsNotInUseException",
        "SubscriptionNotFoundException",
    }
)


def is_offered(session: Any, service: str, region: str) -> bool:
    """False where botocore's endpoint data says that `region` has no such service; True where it has, or says nothing."""
    partition = session.get_partition_for_region(region)
    regions = session.get_available_regions(service, partition_name=partition)
    # Global services have no regions; a region that the data does not know at all is newer than the data.
    known = region in session.get_available_regions("ec2", partition_name=partition)
    return not regions or not known or region in regions


def is_absent(error: BaseException, *, offered: bool) -> bool:
    """Whether this failure means that there can be nothing, rather than that it could not be seen."""
    if code_of(error) in _NOT_SUBSCRIBED:
        return True
    # Endpoint data grows old, so it alone decides nothing: the address must lead nowhere, too.
    unreachable = isinstance(error, exceptions.EndpointConnectionError | exceptions.ConnectTimeoutError)
    return not offered and unreachable

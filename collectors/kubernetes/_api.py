"""Questions to one cluster's API: listings page by page, and what it serves. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import GapReason

if TYPE_CHECKING:
    from auditor.collector import Context
    from collectors._web import Site
    from collectors.kubernetes._catalogue import Listed

_GONE = 410
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, slots=True)
class Custom:
    """Where a custom resource is served: `/apis/{group}/{version}/{plural}`."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool


@dataclass(frozen=True)
class Api:
    """One cluster. `groups` holds the versions that each API group is served in, the preferred one first."""

    site: Site
    context: Context
    page_size: int
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, site: Site, context: Context, page_size: int) -> Api:
        """The cluster that answers at `site`. Raises CollectError when it does not, or lets nobody in."""
        answer = _map(site.json(context, "/apis"), "the list of API groups")
        listed = answer.get("groups")
        if not isinstance(listed, list):
            raise CollectError(GapReason.MALFORMED, "the answer is no list of API groups: is this a Kubernetes API?")
        groups = {str(one.get("name")): _versions(one) for one in listed if isinstance(one, dict)}
        return cls(site, context, page_size, groups)

    def version(self) -> Mapping[str, Any]:
        return _map(self.site.json(self.context, "/version"), "the version")

    def served(self, listed: Listed) -> str | None:
        """The version to read a kind in: the first of its own in which the cluster has it; None where it has it in none.

        That a group is served in a version does not mean that all its kinds are.
        """
        if not listed.group:
            return listed.versions[0]
        offered = self.groups.get(listed.group, ())
        candidates = [version for version in listed.versions if version in offered]
        if len(listed.versions) == 1:
            return next(iter(candidates), None)
        return next(
            (version for version in candidates if listed.object_kind in self._resources(listed.group, version)), None
        )

    def custom(self, name: str) -> Custom | None:
        """Where the custom resource `group/Kind` is served; None where it is not."""
        group, _, kind = name.partition("/")
        for version in self.groups.get(group, ()):
            if (found := self._resources(group, version).get(kind)) is not None:
                return Custom(group, version, kind, str(found["name"]), bool(found.get("namespaced")))
        return None

    def _resources(self, group: str, version: str) -> Mapping[str, Mapping[str, Any]]:
        """What a version of a group serves, by kind."""
        answer = _map(self.site.json(self.context, f"/apis/{group}/{version}"), f"what {group}/{version} serves")
        listed = answer.get("resources")
        if not isinstance(listed, list):
            raise CollectError(GapReason.MALFORMED, f"the answer is not what {group}/{version} serves")
        plain = [one for one in listed if isinstance(one, dict) and "/" not in str(one.get("name"))]
        return {str(one.get("kind")): one for one in plain}

    def path(self, group: str, version: str, plural: str, namespace: str | None = None) -> str:
        base = f"/apis/{group}/{version}" if group else f"/api/{version}"
        return f"{base}/namespaces/{namespace}/{plural}" if namespace else f"{base}/{plural}"

    def items(self, path: str, *, metadata_only: bool = False, **selectors: str | None) -> Iterator[dict[str, Any]]:
        """Every object of a listing. A listing that the server has forgotten half-way is begun again, once.

        Raises CollectError: what was yielded until then is no whole listing.
        """
        chosen = {key: value for key, value in selectors.items() if value}
        seen: set[str] = set()
        for last in (False, True):
            after = ""
            while True:
                page = self._page(path, after, chosen, metadata_only=metadata_only)
                if page is None:
                    break
                for item in page["items"]:
                    if not isinstance(item, dict):
                        raise CollectError(GapReason.MALFORMED, "the listing holds something that is no object")
                    # Begun again, it tells most of it twice.
                    if (key := _key(item)) not in seen:
                        seen.add(key)
                        yield item
                after = str((page.get("metadata") or {}).get("continue") or "")
                if not after:
                    return
            if last:
                raise CollectError(
                    GapReason.TRUNCATED, "the server forgot the listing half-way, twice (410): set a larger page_size"
                )

    def _page(self, path: str, after: str, chosen: Mapping[str, str], *, metadata_only: bool) -> dict[str, Any] | None:
        """One page; None where the server has forgotten what comes after."""
        parameters: dict[str, str | int] = {"limit": self.page_size, **chosen, **({"continue": after} if after else {})}
        site = self.site
        if metadata_only:
            site = replace(site, headers={**site.headers, "accept": _METADATA})
        absent = (_GONE,) if after else ()
        answer = site.json(self.context, path, absent=absent, **parameters)
        if answer is None and after:
            return None
        page = _map(answer, "a listing")
        if page.get("items") is None and str(page.get("kind")).endswith("List"):
            page["items"] = []  # how some aggregated APIs spell an empty listing
        if not isinstance(page.get("items"), list):
            raise CollectError(GapReason.MALFORMED, "the answer is no listing")
        return page


def _key(item: Mapping[str, Any]) -> str:
    metadata = item.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return str(metadata.get("uid") or f"{metadata.get('namespace')}/{metadata.get('name')}")


def _versions(group: Mapping[str, Any]) -> tuple[str, ...]:
    preferred = group.get("preferredVersion")
    first = [preferred.get("version")] if isinstance(preferred, dict) else []
    listed = group.get("versions")
    rest = [one.get("version") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return tuple(dict.fromkeys(str(one) for one in (*first, *rest) if one))


def _map(answer: Any, what: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise CollectError(GapReason.MALFORMED, f"the answer is not {what}")
    return answer

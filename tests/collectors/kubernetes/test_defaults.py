"""What an API server fills in, on manifests alone: the same whether somebody wrote the default or nobody did."""

from __future__ import annotations

from typing import Any

import yaml

from auditor.model import Resource
from collectors._kubernetes_defaults import completed
from collectors._kubernetes_scaled import without_scaled_replicas
from collectors.kubernetes import _live
from tests.collectors.kubernetes.stand import RECORDED, answers
from tests.collectors.shapes import other_shapes


def deployment(
    container: dict[str, Any] | None = None, pod: dict[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "api", "image": "api:1", **(container or {})}], **(pod or {})}}
    whole = {"selector": {"matchLabels": {"app": "api"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": whole}


def test_a_default_that_is_written_out_says_what_leaving_it_out_says() -> None:
    """Of the workload, its pods and their containers; as the server spells it, and as people do."""
    written = deployment(
        {
            "imagePullPolicy": "IfNotPresent",
            "terminationMessagePath": "/dev/termination-log",
            "resources": {},
            "livenessProbe": {"tcpSocket": {"port": 80}, "timeoutSeconds": 1, "periodSeconds": 10, "failureThreshold": 3},
        },
        {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "securityContext": {},
         "serviceAccount": "default"},
        replicas=1,
        revisionHistoryLimit=10,
        progressDeadlineSeconds=600,
        strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    )  # fmt: skip
    silent = deployment({"livenessProbe": {"tcpSocket": {"port": 80}}})
    assert completed(written) == completed(silent)
    assert completed(silent)["spec"]["replicas"] == 1


def test_what_is_not_the_default_stays() -> None:
    """Whatever its type: false is not 0, and `Always` of an image without a tag is what the server would choose."""
    kept = completed(deployment({"imagePullPolicy": "Always", "tty": True}, {"dnsPolicy": "Default"}, paused=True))
    pod = kept["spec"]["template"]["spec"]
    assert (pod["dnsPolicy"], kept["spec"]["paused"]) == ("Default", True)
    assert (pod["containers"][0]["imagePullPolicy"], pod["containers"][0]["tty"]) == ("Always", True)
    for image, policy in {
        "api": "Always",
        "api:latest": "Always",
        "h:5000/api": "Always",
        "api@sha256:ab": "IfNotPresent",
    }.items():
        found = completed(deployment({"image": image}))["spec"]["template"]["spec"]["containers"][0]
        assert found["imagePullPolicy"] == policy


def test_a_patch_is_no_object_and_is_left_alone() -> None:
    """What it does not say stands in the base: to fill it in would be to invent a difference."""
    patch = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"},
             "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "api", "image": "api:2"}]}}}}  # fmt: skip
    assert completed(patch) == patch


def test_an_object_that_is_given_is_not_changed() -> None:
    """It may be shared with whoever gave it."""
    given = deployment(replicas=1)
    before = repr(given)
    completed(given)
    assert repr(given) == before


def test_older_versions_of_an_object_take_the_shape_of_the_current_one() -> None:
    """Autoscalers with one target, ingresses with a name and a port, secrets in clear text."""
    old = {"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v1", "spec": {
        "scaleTargetRef": {"name": "api"}, "maxReplicas": 3, "targetCPUUtilizationPercentage": 80}}  # fmt: skip
    new = {"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v1", "spec": {
        "scaleTargetRef": {"name": "api"}, "maxReplicas": 3, "minReplicas": 1}}  # fmt: skip
    assert completed(old) == completed(new)
    flat = {"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 80}}
    assert completed({**new, "spec": {**new["spec"], "metrics": [flat]}}) == completed(new)  # type: ignore[dict-item]
    secret = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s"}}
    assert completed({**secret, "stringData": {"a": "b"}}) == completed(
        {**secret, "type": "Opaque", "data": {"a": "Yg=="}}
    )
    ingress = {"kind": "Ingress", "spec": {"backend": {"serviceName": "web", "servicePort": "http"}}}
    assert completed(ingress)["spec"] == {"defaultBackend": {"service": {"name": "web", "port": {"name": "http"}}}}


def test_what_an_autoscaler_scales_has_no_number_of_replicas_of_its_own() -> None:
    """In its namespace; another one's of the same name keeps it."""

    def resource(kind: str, namespace: str | None, spec: dict[str, Any]) -> Resource:
        return Resource(f"kubernetes.{kind}", "api", {"spec": spec}, parent=namespace)

    scaler = resource("horizontalpodautoscaler", "shop", {"scaleTargetRef": {"kind": "Deployment", "name": "api"}})
    listed = [scaler, *(resource("deployment", namespace, {"replicas": 2}) for namespace in ("shop", "blog"))]
    assert [one.attributes["spec"].get("replicas") for one in without_scaled_replicas(listed)] == [None, None, 2]
    assert [one.attributes["spec"] for one in without_scaled_replicas(listed[2:], [("blog", "deployment", "api")])] == [
        {}
    ]


def test_a_manifest_of_any_other_shape_is_read_all_the_same() -> None:
    """In Git nobody has checked it: one part that is written wrong does not cost the other files."""
    for manifest in yaml.safe_load_all((RECORDED / "manifests.yaml").read_text()):
        for place, _, other in other_shapes(manifest):
            if place:
                assert isinstance(completed(other), dict), (manifest["kind"], place)


def test_an_object_of_any_other_shape_is_read_all_the_same() -> None:
    """What an aggregated API answers, no schema has checked: one object that is odd does not cost the whole listing."""
    listed = [each for each in answers().values() if isinstance(each, dict) and each.get("items")]
    seen = 0
    for listing in listed:
        kind, version = str(listing.get("kind")).removesuffix("List"), str(listing.get("apiVersion"))
        for place, value, other in other_shapes(listing["items"][0]):
            if place and place not in (("metadata",), ("metadata", "name")):
                found = _live.resource(kind, version, other, "kubernetes:x", "/x")
                assert found is None or found.identity == other["metadata"]["name"], (kind, place, value)
                seen += found is not None
    assert seen > 1000

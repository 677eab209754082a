"""Kubernetes manifests. Containers and variables are maps by name here; `writing` makes the lists of them."""

from __future__ import annotations

from typing import Any

from bench.accuracy.companies.estate import Item, Plan, Service, World
from bench.accuracy.companies.naming import Side
from bench.accuracy.companies.settings import plain, secrets


def build(plan: Plan, side: Side, world: World) -> None:
    for service in plan.services:
        if service.runs_on == "kubernetes":
            _service(plan, side, world, service)


class _Manifests:
    """The manifests of one service, in one file."""

    def __init__(self, plan: Plan, side: Side, world: World, service: Service) -> None:
        self.side, self.world, self.service = side, world, service
        # Most clusters have a namespace per environment, so that names need not tell.
        self.named = plan.chance(0.35, "named manifests")
        self.namespace = _namespace(plan, side)
        folder = "k8s" if plan.layout == "folders" else f"k8s/{side.token}"
        self.file = f"{folder}/{service.name}.yaml"

    def name(self, suffix: str = "") -> str:
        what = self.service.name + suffix
        return self.side.plain_name(what, f"k8s/{self.service.name}").replace("_", "-") if self.named else what

    def add(self, kind: str, version: str, spec: dict[str, Any], suffix: str = "") -> None:
        labels = {"app": self.service.name, "environment": self.side.token}
        metadata = {"name": self.name(suffix), "namespace": self.namespace, "labels": labels}
        doc = {"apiVersion": version, "kind": kind, "metadata": metadata, **spec}
        self.world.add(
            Item(
                f"k8s/{kind}/{self.service.name}{suffix}", f"kubernetes.{kind.lower()}", self.name(suffix), doc,
                file=self.file, source="files",
            )
        )  # fmt: skip


def _namespace(plan: Plan, side: Side) -> str:
    if side.naming.scheme == "no-token":
        return side.naming.company
    return str(plan.pick((side.token, f"{side.naming.company}-{side.token}", f"{side.token}-apps"), "namespace style"))


def _service(plan: Plan, side: Side, world: World, service: Service) -> None:
    make = _Manifests(plan, side, world, service)
    what = service.name
    values = {name: value for name, value in plain(plan, service, side).items() if "postgres://" not in value}
    kept = {name: value for name, value in values.items() if plan.chance(0.4, "configmap", what, name)}
    direct = {name: value for name, value in values.items() if name not in kept}
    container = {
        "image": f"registry.{plan.naming.company}.example/{what}:{service.image}",
        "env": direct
        | {
            name: {"valueFrom": {"secretKeyRef": {"name": make.name(), "key": name.lower()}}}
            for name in secrets(service, side)
        },
        "envFrom": [{"configMapRef": {"name": make.name()}}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        "livenessProbe": {"httpGet": {"path": "/up", "port": "http"}, "periodSeconds": 10, "timeoutSeconds": 2},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
        "securityContext": {"runAsNonRoot": True, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True},
    }
    spec = {
        "replicas": 2,
        "revisionHistoryLimit": 5,
        "selector": {"matchLabels": {"app": what}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": {"app": what, "environment": side.token}},
            "spec": {
                "serviceAccountName": make.name(),
                "terminationGracePeriodSeconds": plan.pick((30, 60), "grace", what),
                "containers": {what: container},
            },
        },
    }
    make.add("Deployment", "apps/v1", {"spec": spec})
    make.add("ConfigMap", "v1", {"data": {**kept, **_document(plan, side, service)}})
    make.add(
        "Service",
        "v1",
        {
            "spec": {
                "type": "ClusterIP",
                "selector": {"app": what},
                "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
            }
        },
    )
    if secrets(service, side):
        if plan.chance(0.5, "external secrets"):
            data = [
                {"secretKey": name.lower(), "remoteRef": {"key": side.path(what, name.lower())}}
                for name in secrets(service, side)
            ]
            store = {"name": "parameter-store", "kind": "ClusterSecretStore"}
            make.add(
                "ExternalSecret",
                "external-secrets.io/v1",
                {"spec": {"refreshInterval": "1h", "secretStoreRef": store, "data": data}},
            )
        else:
            make.add(
                "Secret",
                "v1",
                {
                    "type": "Opaque",
                    "stringData": {name.lower(): value for name, value in secrets(service, side).items()},
                },
            )
    if service.web:
        _reached(side, make, what)
    _watched(plan, make, what)


def _document(plan: Plan, side: Side, service: Service) -> dict[str, str]:
    """Some programs read a whole file out of their ConfigMap."""
    if not plan.chance(0.3, "document", service.name):
        return {}
    return {"application.properties": f"spring.profiles.active={side.token}\nserver.port=8080\nmanagement.port=9100\n"}


def _reached(side: Side, make: _Manifests, what: str) -> None:
    host = side.host(what)
    backend = {"service": {"name": make.name(), "port": {"name": "http"}}}
    doc = {
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{"hosts": [host], "secretName": f"{make.name()}-tls"}],
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        }
    }
    make.add("Ingress", "networking.k8s.io/v1", doc)
    make.world.items[f"k8s/Ingress/{what}"].doc["metadata"]["annotations"] = {
        "nginx.ingress.kubernetes.io/ssl-redirect": "true",
        "nginx.ingress.kubernetes.io/proxy-body-size": "10m",
        "cert-manager.io/cluster-issuer": "letsencrypt",
    }


def _watched(plan: Plan, make: _Manifests, what: str) -> None:
    """Scaling, disruption, alarms, jobs and queues, as the service has them."""
    if plan.chance(0.5, "hpa", what):
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": make.name()}
        metric = {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
        }
        make.add(
            "HorizontalPodAutoscaler",
            "autoscaling/v2",
            {"spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 6, "metrics": [metric]}},
        )
    if plan.chance(0.4, "pdb", what):
        make.add(
            "PodDisruptionBudget",
            "policy/v1",
            {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": what}}}},
        )
    if plan.chance(0.4, "policy", what):
        allowed = {
            "from": [{"podSelector": {"matchLabels": {"app": "gateway"}}}],
            "ports": [{"port": 8080, "protocol": "TCP"}],
        }
        make.add(
            "NetworkPolicy",
            "networking.k8s.io/v1",
            {"spec": {"podSelector": {"matchLabels": {"app": what}}, "policyTypes": ["Ingress"], "ingress": [allowed]}},
        )
    if plan.chance(0.4, "alarms", what):
        rule = {
            "alert": "TooManyErrors",
            "expr": f'sum(rate(http_requests_total{{app="{what}",code=~"5.."}}[5m])) > 1',
            "for": "10m",
            "labels": {"severity": "page"},
        }
        make.add("PrometheusRule", "monitoring.coreos.com/v1", {"spec": {"groups": [{"name": what, "rules": [rule]}]}})
    if plan.chance(0.3, "monitor", what):
        make.add(
            "ServiceMonitor",
            "monitoring.coreos.com/v1",
            {"spec": {"selector": {"matchLabels": {"app": what}}, "endpoints": [{"port": "http", "interval": "30s"}]}},
        )
    if plan.chance(0.3, "queue", what):
        make.add(
            "Queue",
            "rabbitmq.com/v1beta1",
            {
                "spec": {
                    "name": f"{what}-jobs",
                    "durable": True,
                    "vhost": "main",
                    "rabbitmqClusterReference": {"name": "rabbit"},
                }
            },
            "-jobs",
        )
    if plan.chance(0.3, "cron", what):
        job = {
            "spec": {
                "backoffLimit": 2,
                "template": {
                    "spec": {
                        "restartPolicy": "Never",
                        "containers": {
                            "job": {
                                "image": f"registry.{plan.naming.company}.example/{what}:1.14.2",
                                "args": ["cleanup", "--older-than", "30d"],
                            }
                        },
                    }
                },
            }
        }
        make.add(
            "CronJob",
            "batch/v1",
            {
                "spec": {
                    "schedule": plan.pick(("0 3 * * *", "*/10 * * * *"), "schedule", what),
                    "concurrencyPolicy": "Forbid",
                    "jobTemplate": job,
                }
            },
            "-cleanup",
        )

"""How a cluster is reached, and as whom: kubeconfig or the pod's own service account, read by the official client's loader.

An exec plug-in is run here, because the loader waits for it for ever, and lets it ask the terminal.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors._web import Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.collector import Context
    from collectors.kubernetes._options import KubernetesOptions

_API = "kubernetes"
_LOADING = "kubernetes.loading"


def site_of(options: KubernetesOptions, context: Context) -> Site:
    """The cluster's API, with the credentials to ask it. Raises CollectError when there are none, saying why."""
    # The loader keeps certificates in files that it shares between threads before they are written.
    with context.shared.setdefault(_LOADING, threading.Lock()):
        found = _in_cluster() if options.in_cluster else _from_kubeconfig(options, context)
    headers = {}
    if (credential := found.authorization()) is not None:
        headers["authorization"] = credential
    return Site(
        api=_API,
        base=str(found.host).rstrip("/"),
        headers=headers,
        timeout=options.timeout,
        max_bytes=options.max_bytes,
        trust=found.trust(),
        attempts=options.max_attempts,
    )


class _Found:
    """What the loader found out."""

    def __init__(self, configuration: Any) -> None:
        self.host = configuration.host
        self._configuration = configuration

    def authorization(self) -> str | None:
        """The header that says who asks; None where a certificate says it, or nobody does."""
        token = self._configuration.get_api_key_with_prefix("BearerToken")
        if token:
            return str(token).strip()
        return str(self._configuration.get_basic_auth_token()) if self._configuration.username else None

    def trust(self) -> ssl.SSLContext:
        """The cluster's own authority, and the client's certificate where it has one."""
        if not self._configuration.verify_ssl:
            raise CollectError(
                GapReason.UNSUPPORTED,
                "the kubeconfig has insecure-skip-tls-verify, so anybody could answer: give certificate-authority instead",
            )
        if not str(self.host).startswith("https://"):
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, and nobody is asked for a certificate
        try:
            context = ssl.create_default_context(cafile=self._configuration.ssl_ca_cert or None)
            # Authorities that clusters make for themselves lack what the strict mode of later Pythons asks of them.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            if self._configuration.cert_file:
                context.load_cert_chain(self._configuration.cert_file, self._configuration.key_file or None)
        except (OSError, ssl.SSLError) as error:
            detail = f"a certificate or key of the kubeconfig cannot be used: {error.strerror or type(error).__name__}"
            raise CollectError(GapReason.UNREACHABLE, detail) from error
        return context


def _in_cluster() -> _Found:
    from kubernetes.client.configuration import Configuration  # type: ignore[import-untyped]
    from kubernetes.config import ConfigException, load_incluster_config  # type: ignore[import-untyped]

    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration, try_refresh_token=False)
    except (ConfigException, OSError) as error:
        detail = "no service account to use: this process runs in no pod, or the pod mounts no token; give a kubeconfig"
        raise CollectError(GapReason.UNREACHABLE, detail) from error
    return _Found(configuration)


def _from_kubeconfig(options: KubernetesOptions, context: Context) -> _Found:
    import yaml
    from kubernetes.client.configuration import Configuration
    from kubernetes.config import ConfigException
    from kubernetes.config.kube_config import (  # type: ignore[import-untyped]
        KUBE_CONFIG_DEFAULT_LOCATION,
        KubeConfigLoader,
        KubeConfigMerger,
    )

    path = str(context.folder / options.kubeconfig) if options.kubeconfig else KUBE_CONFIG_DEFAULT_LOCATION
    configuration = Configuration()
    # What the loader says of a mistake quotes the file, tokens and all: only that there is one is told.
    try:
        merged = KubeConfigMerger(path).config
        if merged is None:
            where = (
                f"kubeconfig {options.kubeconfig}" if options.kubeconfig else "kubeconfig ($KUBECONFIG, ~/.kube/config)"
            )
            raise CollectError(GapReason.UNREACHABLE, f"there is no {where}: set kubeconfig, or in_cluster")
        _choose(merged, options)
        _run_plugin(merged, options, context)
        loader = KubeConfigLoader(config_dict=merged, active_context=options.context, config_base_path=None)
        loader.load_and_set(configuration)
    except (ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        detail = f"the kubeconfig cannot be used ({type(error).__name__}): look at it with kubectl config view"
        raise CollectError(GapReason.MALFORMED, detail) from error
    return _Found(configuration)


def _choose(merged: Any, options: KubernetesOptions) -> None:
    """Raises CollectError where the context is not there, naming those that are."""
    known = sorted(str(one["name"]) for one in merged.value.get("contexts") or ())
    name = options.context or merged.value.get("current-context")
    if name not in known:
        which = f"no context called {name}" if name else "no current context"
        listed = f"it has {', '.join(known)}" if known else "it has none at all"
        raise CollectError(GapReason.UNSUPPORTED, f"the kubeconfig has {which} ({listed}): set context")


def _run_plugin(merged: Any, options: KubernetesOptions, context: Context) -> None:
    """Put what the exec plug-in of the chosen user says in the place of how to run it."""
    name = options.context or merged["current-context"]
    chosen = merged["contexts"].get_with_name(name)["context"]
    named = merged["users"].get_with_name(chosen["user"], safe=True) if chosen.safe_get("user") else None
    user = named.value.get("user") if named is not None else None
    plugin = user.get("exec") if isinstance(user, dict) else None
    if not isinstance(user, dict) or not isinstance(plugin, dict) or "token" in user or "auth-provider" in user:
        return
    del user["exec"]
    origin = getattr(named, "path", None)
    folder = Path(origin).parent if origin else context.folder
    status = _credentials(plugin, folder, options.exec_timeout, context)
    if isinstance(token := status.get("token"), str):
        user["token"] = token
    certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
    if isinstance(certificate, str) and isinstance(key, str):
        user["client-certificate-data"], user["client-key-data"] = _encoded(certificate), _encoded(key)
    if "token" not in user and "client-certificate-data" not in user:
        raise CollectError(GapReason.ACCESS_DENIED, "the exec plug-in answered neither a token nor a certificate")


def _encoded(pem: str) -> str:
    import base64

    return base64.b64encode(pem.encode()).decode()


def _credentials(plugin: Mapping[str, Any], folder: Path, seconds: float, context: Context) -> Mapping[str, Any]:
    """The `status` of the ExecCredential that a plug-in prints: https://kubernetes.io/docs/reference/config-api/client-authentication.v1/."""
    command = str(plugin.get("command") or "")
    if not command:
        raise CollectError(GapReason.UNSUPPORTED, "the kubeconfig has an exec plug-in without a command")
    if "/" in command and not command.startswith("/"):
        command = str(folder / command)
    version = plugin.get("apiVersion")
    asked = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    extra = {str(one["name"]): str(one["value"]) for one in plugin.get("env") or ()}
    environment = {**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(asked)}
    shown = Path(command).name
    try:
        process = subprocess.Popen(
            [command, *map(str, plugin.get("args") or ())],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environment, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        detail = f"the exec plug-in {shown} cannot be run: {error.strerror}; install it, or use another credential"
        raise CollectError(GapReason.UNREACHABLE, detail) from error
    try:
        printed, _ = process.communicate(timeout=min(seconds, context.timeout))
    except subprocess.TimeoutExpired as error:
        raise CollectError(
            GapReason.TIMEOUT, f"the exec plug-in {shown} gave no credentials within {seconds:g} s"
        ) from error
    finally:
        _end(process)
    if process.returncode != 0:
        detail = f"the exec plug-in {shown} ended with {process.returncode}: log in with it, then try again"
        raise CollectError(GapReason.ACCESS_DENIED, detail)
    try:
        answer = json.loads(printed)
        status = answer["status"]
    except (ValueError, TypeError, KeyError) as error:
        raise CollectError(GapReason.MALFORMED, f"the exec plug-in {shown} printed no ExecCredential") from error
    if not isinstance(status, dict) or answer.get("apiVersion") != version:
        raise CollectError(
            GapReason.MALFORMED, f"the exec plug-in {shown} printed an ExecCredential of another version"
        )
    return status


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ended with whatever it started: a plug-in may be a script."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()

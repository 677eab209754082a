"""How a cluster is reached and as whom: tokens, client certificates, exec plug-ins, and what is wrong with a kubeconfig."""

from __future__ import annotations

import datetime
import json
import ssl
import sys
import threading
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors.kubernetes import COLLECTOR, KubernetesOptions
from collectors.kubernetes._access import site_of
from tests.collectors import whole
from tests.collectors.kubernetes.stand import Cluster, kubeconfig
from tests.standins.hostile import CANARY, Hostile, hostile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def plugin(folder: Path, script: str, **settings: Any) -> dict[str, Any]:
    """A user whose credentials a Python script prints."""
    file = folder / "plugin.py"
    file.write_text(script)
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": [str(file)]}
    return {"exec": {**command, **settings}}


def credential(status: str) -> str:
    version = '"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"'
    return f"import json, os\nprint(json.dumps({{{version}, 'status': {status}}}))\n"


def refused(folder: Path, user: dict[str, Any] | None = None, **options: Any) -> CollectError:
    """The error of a source that cannot be planned."""
    file = kubeconfig(folder, "http://127.0.0.1:9", user)
    with pytest.raises(CollectError) as raised:
        site_of(KubernetesOptions.model_validate({"kubeconfig": file, **options}), whole.context())
    assert CANARY not in str(raised.value)
    return raised.value


def test_an_exec_plug_in_is_asked_and_its_token_is_sent(tmp_path: Path) -> None:
    """With the variables that the kubeconfig gives it, and the question that kubectl would ask."""
    asked = "{'token': os.environ['ROLE'] + json.loads(os.environ['KUBERNETES_EXEC_INFO'])['kind']}"
    with hostile(Cluster()) as server:
        user = plugin(tmp_path, credential(asked), env=[{"name": "ROLE", "value": "reader-"}])
        options = {"kubeconfig": kubeconfig(tmp_path, server.url, user), "kinds": ["server"]}
        assert [each.identity for each in whole.read(COLLECTOR, options) if hasattr(each, "identity")] == ["kubernetes"]
    assert {headers["authorization"] for _, headers in server.asked} == {"Bearer reader-ExecCredential"}


@pytest.mark.parametrize(
    ("script", "reason", "detail"),
    [
        (f"import sys; print('{CANARY}'); sys.exit('{CANARY}')", GapReason.ACCESS_DENIED, "ended with 1: log in"),
        ("import time; time.sleep(60)", GapReason.TIMEOUT, "gave no credentials within 0.5 s"),
        (f"print('{CANARY}')", GapReason.MALFORMED, "printed no ExecCredential"),
        (credential("{}"), GapReason.ACCESS_DENIED, "neither a token nor a certificate"),
        (credential("{}").replace("k8s.io/v1", "k8s.io/v9"), GapReason.MALFORMED, "of another version"),
    ],
)
def test_an_exec_plug_in_that_fails_is_one_clear_gap(
    tmp_path: Path, script: str, reason: GapReason, detail: str
) -> None:
    """Nothing that it printed is told, and one that hangs is ended."""
    patience = 0.5 if reason is GapReason.TIMEOUT else 30
    error = refused(tmp_path, plugin(tmp_path, script), exec_timeout=patience)
    assert error.reason is reason
    assert detail in error.detail


def test_an_exec_plug_in_that_is_not_there_says_so(tmp_path: Path) -> None:
    """By its name, with what to do."""
    error = refused(tmp_path, plugin(tmp_path, "", command="no-such-plugin"))
    assert (error.reason, error.detail.split(";")) == (
        GapReason.UNREACHABLE,
        [
            "the exec plug-in no-such-plugin cannot be run: No such file or directory",
            " install it, or use another credential",
        ],
    )


def test_a_kubeconfig_that_cannot_be_used_is_told_without_a_word_of_what_is_in_it(tmp_path: Path) -> None:
    """The client's own messages quote the user, token and all."""
    assert "no context called x (it has shop): set context" in refused(tmp_path, context="x").detail
    assert "there is no kubeconfig" in refused(tmp_path, kubeconfig=str(tmp_path / "none")).detail
    for name, text in {"half": f'{{"users": [{{"name": "{CANARY}', "shape": f'{{"contexts": "{CANARY}"}}'}.items():
        (tmp_path / name).write_text(text)
        assert refused(tmp_path, kubeconfig=str(tmp_path / name)).reason is GapReason.MALFORMED
    broken = {"users": [{"name": "reader", "user": {"exec": {"command": 1}, "key": CANARY}}], "clusters": [],
              "contexts": [{"name": "c", "context": {"user": "reader", "cluster": "gone"}}], "current-context": "c"}  # fmt: skip
    (tmp_path / "cluster").write_text(json.dumps(broken))
    assert "log in" not in refused(tmp_path, kubeconfig=str(tmp_path / "cluster")).detail
    file = kubeconfig(tmp_path, "https://127.0.0.1:8", None, **{"insecure-skip-tls-verify": True})
    assert "certificate-authority" in refused(tmp_path, kubeconfig=file).detail
    assert "runs in no pod" in refused(tmp_path, kubeconfig=None, in_cluster=True).detail


def test_options_say_what_is_wrong_with_them() -> None:
    """Two ways in at once, kinds that are not read, and custom resources without a group."""
    for options, message in (
        ({"in_cluster": True, "context": "x"}, "in_cluster takes no kubeconfig and no context"),
        ({"kinds": ["pod"]}, "pod is not read: known are application"),
        ({"custom_resources": ["Certificate"]}, "not of the form group/Kind"),
    ):
        with pytest.raises(ValidationError, match=message):
            KubernetesOptions.model_validate(options)


def test_a_client_certificate_is_shown_to_a_server_of_a_private_authority(tmp_path: Path) -> None:
    """The cluster's own authority is trusted and no other, and the certificate says who asks."""
    authority, client = signed(tmp_path)
    user = {"client-certificate": str(client), "client-key": str(client)}
    with tls(Cluster(), authority) as (server, url):
        file = kubeconfig(tmp_path, url, user, **{"certificate-authority": str(authority)})
        assert whole.read(COLLECTOR, {"kubeconfig": file, "kinds": ["server"]}) != []
        assert "authorization" not in server.asked[0][1]
        stranger = kubeconfig(tmp_path, url, {"token": "t"}, **{"certificate-authority": str(authority)})
        for options in ({"kubeconfig": stranger}, {"kubeconfig": kubeconfig(tmp_path, url, user)}):
            with pytest.raises(CollectError) as raised:
                whole.read(COLLECTOR, {**options, "kinds": ["server"], "max_attempts": 1})
            assert raised.value.reason is GapReason.UNREACHABLE


def signed(folder: Path) -> tuple[Path, Path]:
    """An authority that serves localhost itself, and a client's certificate of it; each with its key in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")])
    files = []
    for number, subject in enumerate(("authority", "client")):
        own = key if subject == "authority" else ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name if number == 0 else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "reader")]))
            .issuer_name(name)
            .public_key(own.public_key())
            .serial_number(number + 1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=number == 0, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        encoded = own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = folder / f"{subject}.pem"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + encoded)
        files.append(file)
    return files[0], files[1]


@contextmanager
def tls(cluster: Cluster, certificate: Path) -> Iterator[tuple[Hostile, str]]:
    """The cluster behind TLS, for clients with a certificate of its authority only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    with hostile(cluster) as plain:
        handler = plain._server.RequestHandlerClass
        quiet = type("Quiet", (ThreadingHTTPServer,), {"handle_error": lambda *_: None, "daemon_threads": True})
        server = quiet(("127.0.0.1", 0), handler)
        server.owner = plain
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield plain, f"https://localhost:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join(10)

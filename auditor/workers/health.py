"""What a worker says of itself over HTTP: `/healthz`, `/readyz` and `/metrics`, for a service manager and Prometheus."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client.exposition import generate_latest

from auditor import __version__
from auditor.errors import AuditorError
from auditor.meters import Unmetered

# Longer than any statement may hold up the loop; then a new process is the remedy.
_STILL = 60.0
OUTCOMES = ("done", "refused", "failed", "given_back", "superfluous")


class WorkerMeters(Unmetered):
    """What one worker counts, and when it was last in touch with the store. Safe between threads."""

    def __init__(self, concurrency: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: float | None = None
        self._turned = clock()
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        common: dict[str, Any] = {"namespace": "parity", "registry": self.registry}
        self._jobs: Any = Counter("worker_jobs", "Jobs that ended at this worker, by outcome.", ["outcome"], **common)
        self._running: Any = Gauge("worker_jobs_running", "Jobs that this worker is at.", **common)
        self._most: Any = Gauge("worker_jobs_limit", "Jobs that this worker does side by side.", **common)
        self._seconds: Any = Histogram(
            "worker_job_duration_seconds",
            "How long jobs took at this worker, in seconds.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
            **common,
        )
        self._requests: Any = Counter(
            "api_requests",
            "Requests to audited environments, retries included, by outcome: ok, throttled, denied, error.",
            ["environment", "api", "outcome"],
            **common,
        )
        Info("build", "Which version runs.", **common).info({"version": __version__})
        for outcome in OUTCOMES:
            self._jobs.labels(outcome)
        self._most.set(concurrency)

    def api_request(self, environment: str, api: str, outcome: str) -> None:
        self._requests.labels(environment, api, outcome).inc()

    def running(self, change: int) -> None:
        self._running.inc(change)

    def ended(self, outcome: str, seconds: float) -> None:
        self._jobs.labels(outcome).inc()
        self._seconds.observe(seconds)

    def turned(self) -> None:
        """The loop that all work goes through has come round."""
        self._turned = self._clock()

    def stillness(self) -> float:
        """Seconds since it did."""
        return self._clock() - self._turned

    def seen(self) -> None:
        """The store has just answered."""
        self._seen = self._clock()

    def silence(self) -> float | None:
        """Seconds since the store answered last; None before it ever did."""
        return None if self._seen is None else self._clock() - self._seen


class HealthServer:
    """Serves `meters` at `host` and `port` (0: any that is free) from a thread, until it is closed.

    Ready for work is a worker that has heard of the store within `within` seconds."""

    def __init__(self, host: str, port: int, meters: WorkerMeters, within: float) -> None:
        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        try:
            self._server = Server((host, port), _handler(meters, within))
        except OSError as error:
            reason = error.strerror or str(error)
            raise AuditorError(
                f"cannot listen on {host}:{port}: {reason}; let --listen name an address of this machine that is free"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="health", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(meters: WorkerMeters, within: float) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(200, generate_latest(meters.registry), CONTENT_TYPE_LATEST)
            elif path == "/healthz":
                alive = meters.stillness() < _STILL
                self._answer(200 if alive else 503, b"alive\n" if alive else b"its loop stands still\n")
            elif path == "/readyz":
                silence = meters.silence()
                ready = silence is not None and silence < within
                said = b"ready\n" if ready else b"the store does not answer\n"
                self._answer(200 if ready else 503, said)
            else:
                self._answer(404, b"try /healthz, /readyz or /metrics\n")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Whoever asks every few seconds is no news."""

        def _answer(self, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler

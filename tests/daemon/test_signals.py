"""Signals reach whoever waits for them, whichever thread the kernel hands them to."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Threads that come round all the time are there to be handed a signal that was meant for all.
WAITING = """
import threading, time
from auditor.daemon.signals import asked
for _ in range(30):
    threading.Thread(target=lambda: [time.sleep(0.001) for _ in iter(int, 1)], daemon=True).start()
with asked() as requests:
    print("waits", flush=True)
    print(requests.get().value, flush=True)
"""


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        ((signal.SIGTERM,), "stop"),
        ((signal.SIGINT,), "stop"),
        ((signal.SIGHUP,), "reload"),
        ((signal.SIGSTOP, signal.SIGCONT, signal.SIGTERM), "stop"),
        ((signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT), "stop"),
    ],
)
def test_a_signal_is_heard(sent: tuple[signal.Signals, ...], heard: str) -> None:
    """Even where it comes together with the one that lets a paused process go on, as service managers send them."""
    for _ in range(6):
        process = subprocess.Popen([sys.executable, "-c", WAITING], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "waits\n"
            for number in sent:
                process.send_signal(number)
            told, _ = process.communicate(timeout=10)
            assert told == f"{heard}\n"
        finally:
            process.kill()
            process.wait()

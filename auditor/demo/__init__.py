"""`audit demo`: a believable company in an embedded stand-in of AWS, audited by the product as anybody would use it.

company    the two environments of the company, and everything in which they rightly differ
world      builds both accounts, service by service (aws_*.py)
living     what happens to it over time, for dashboards to show
drifts     what is planted, and where the audit has to find it
standin    the stand-in of AWS; versions: the version endpoints of the company's services
folder/    the configuration, policies and files that the demo leaves behind, as they are

Nothing outside this package knows of it. The audit itself runs as a command of its own, on nothing but the
configuration that the user finds afterwards.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from shutil import which

from auditor.demo import files, living, standin, versions, world

AWS_PORT = 4599
VERSIONS_PORT = 4598
PAGE = "http://127.0.0.1:9464"
# What the stand-in asks for to let somebody in: anything.
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "demo",
    "AWS_SECRET_ACCESS_KEY": "demo",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_OF_SOMEBODY_ELSE = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE")
_RAN = (0, 1)


def run(folder: Path, arguments: Sequence[str], *, serve: bool, say: Callable[[str], None]) -> int:
    """Build the company, audit it with `audit now staging prod` and these arguments, and say what to do next.

    Files in `folder` that are there already are left as they are. With `serve` the company stays, and its page is
    served, until the user presses Ctrl-C. Returns 0 where the audit ran, whatever it found, else its exit code. Raises DemoError where the
    stand-in is not installed.
    """
    kept = files.lay_out(folder)
    say(f"{folder}: {'your files are kept as they are' if kept else 'the configuration and files of the company'}")
    with (
        _away_from_real_accounts(),
        standin.serving(_port(AWS_PORT) if serve else 0) as aws,
        versions.serving(_port(VERSIONS_PORT) if serve else 0) as deployed,
    ):
        began = time.monotonic()
        world.build(aws)
        say(f"A staging and a prod account are built in a stand-in of AWS ({time.monotonic() - began:.0f} s).")
        config = folder / "auditor.yaml"
        say(f"\n$ audit now staging prod --config {config}\n")
        addresses = {"AUDITOR_DEMO_AWS_URL": aws, "AUDITOR_DEMO_VERSIONS_URL": deployed.url}
        code = _audit(config, arguments, {**os.environ, **addresses})
        if code not in _RAN:
            return code
        say(_next(folder, addresses if serve else None))
        if serve:
            _keep_serving(config, {**os.environ, **addresses}, say)
    return 0


def company(host: str, every: float, stopped: threading.Event, say: Callable[[str], None]) -> None:
    """Keep nothing but the company up, at its usual ports of `host`, until `stopped` is set.

    Something happens in it each `every` seconds (0: nothing ever does). Raises DemoError where the stand-in is not
    installed, OSError where a port is taken.
    """
    with (
        _away_from_real_accounts(),
        standin.serving(AWS_PORT, host) as aws,
        versions.serving(VERSIONS_PORT, host) as deployed,
    ):
        world.build(aws)
        say(f"The company is up: its AWS at {host}:{AWS_PORT}, its services' versions at {host}:{VERSIONS_PORT}.")
        if every > 0:
            living.live(aws, deployed, every, stopped, say)
        stopped.wait()


@contextmanager
def _away_from_real_accounts() -> Iterator[None]:
    """For a time this process, the stand-in in it and what it starts know nobody's credentials, profiles or proxies."""
    before = dict(os.environ)
    for name in _OF_SOMEBODY_ELSE:
        os.environ.pop(name, None)
    os.environ.update({**_CREDENTIALS, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _audit(config: Path, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    command = [sys.executable, "-m", "auditor", "now", "staging", "prod", "--config", str(config), *arguments]
    sys.stdout.flush()
    return subprocess.run(command, env=dict(variables), check=False).returncode


def _next(folder: Path, addresses: Mapping[str, str] | None) -> str:
    audit = _command()
    if addresses is None:
        return (
            f"\nEverything that was asked for stands in {folder}: read auditor.yaml and README.md there, change a file "
            f"under environments/ or policies/, and run `{audit} demo --folder {folder}` again.\n\n"
            "What was found can be looked at from there, without the company:\n\n"
            f"  cd {quote(str(folder.resolve()))}\n  {audit} findings\n  {audit} explain FINDING\n\n"
            f"`{audit} demo --folder {folder} --serve` keeps the company up and serves its page at {PAGE}; try "
            "`audit now` and the other commands on it, too."
        )
    variables = [f"{name}={value}" for name, value in (*list(_CREDENTIALS.items())[:2], *addresses.items())]
    exports = "".join(f"  export {variable}\n" for variable in variables)
    return (
        f"\nThe company stays up until you press Ctrl-C, and is audited every minute.\n\nIts page: {PAGE}\n\n"
        f"In another terminal:\n\n  cd {quote(str(folder.resolve()))}\n{exports}"
        f"  {audit} now staging prod\n  {audit} findings\n\nREADME.md there says what else to try."
    )


def _command() -> str:
    """How this very program is started from any folder: by its name where the shell finds it, else by its path."""
    ours = Path(sys.executable).with_name("audit")
    found = which("audit")
    if not ours.exists() or (found is not None and Path(found).absolute() == ours):
        return "audit"
    return quote(str(ours))


def _keep_serving(config: Path, variables: Mapping[str, str], say: Callable[[str], None]) -> None:
    """The company with its page, until Ctrl-C or SIGTERM; the company alone where the page cannot be served."""
    # Whoever ends the demo ends its service, too: else the next one would find its port taken.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    command = [sys.executable, "-m", "auditor", "serve", "--config", str(config), "--log-level", "warning"]
    with subprocess.Popen(command, env=dict(variables)) as service:
        try:
            if service.wait() != 0:
                say("The page cannot be served: see above. The company stays up until you press Ctrl-C.")
                threading.Event().wait()
        except KeyboardInterrupt:
            # A terminal sends Ctrl-C to both; where it came to this process only, the service is asked here.
            service.terminate()


def _port(wanted: int) -> int:
    """The port that the configuration names, or any where somebody has that one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
    return wanted

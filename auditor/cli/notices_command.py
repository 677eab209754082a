"""`audit notices`: what is to be told, what was, and what could not be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.exits import Exit
from auditor.cli.options import choice_of_data, config_option, output_option
from auditor.meters import Unmetered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from auditor.config import Config
    from auditor.notices import Queued
    from auditor.store import Store

_STATES = ("pending", "failed", "delivered")
_SHOWN_ID = 10
_ALL = "all"


class _Outcomes(Unmetered):
    """Counts the attempts that did not get through."""

    def __init__(self) -> None:
        self.unsent = 0

    def notification(self, publisher: str, outcome: str) -> None:
        """One attempt ended."""
        del publisher
        self.unsent += outcome != "delivered"


@click.command()
@config_option
@click.option("--state", type=click.Choice(_STATES), help="Only these; all by default.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many, the newest first."
)
@click.option(
    "--deliver", is_flag=True, help="First send what is due, once. Exits 4 where something could not be sent."
)
@click.option("--retry", metavar="ID", help="First let a notice that was given up be sent again; `all`: all of them.")
@choice_of_data
@output_option
def notices(
    config_file: Path,
    state: str | None,
    limit: int,
    deliver: bool,
    retry: str | None,
    format_: str,
    output: Path | None,
) -> int:
    """List what people and machines are told: messages, events, digests, and how far each of them got.

    The service sends them by itself; --deliver is for where none runs.
    """
    from auditor.notices import Delivery

    config, _ = setup.configured(config_file)
    unsent = 0
    with setup.opened(config) as store:
        if retry is not None:
            _retry(store, retry)
        if deliver:
            unsent = _deliver(config, store)
        found = store.notices(Delivery(state) if state else None, limit)
    if format_ == "json":
        from auditor.publish.lists import notice_object

        write.as_json([notice_object(queued) for queued in found], output)
    elif found or output is not None:
        write.data(_table(found, setup.now()), output)
    else:
        write.note("There is no such notice." if state else "Nobody was told anything yet.")
    return Exit.FAILED if unsent else Exit.PARITY


def _retry(store: Store, which: str) -> None:
    """Let one notice be sent again, or all that were given up. An id is of hexadecimal digits, so none is `all`."""
    from auditor.notices import Delivery

    if which != _ALL:
        store.requeue_notice(which, setup.now())
        write.note("It is pending again.")
        return
    given_up = store.notices(Delivery.FAILED)
    for queued in given_up:
        store.requeue_notice(queued.notice.id, setup.now())
    if not given_up:
        write.note("No notice was given up.")
        return
    were = "1 notice is" if len(given_up) == 1 else f"{len(given_up)} notices are"
    write.note(f"{were} pending again.")


def _deliver(config: Config, store: Store) -> int:
    """Send what is due; how many attempts did not get through."""
    from auditor.daemon.publishers import publishers_of
    from auditor.deliver import Outbox

    outcomes = _Outcomes()
    publishers = publishers_of(config)
    with Outbox(store, publishers, setup.now, meters=outcomes) as outbox:
        delivered = outbox.run_once(setup.now())
    for publisher in publishers:
        close = getattr(publisher, "close", None)
        if close is not None:
            close()
    were = "1 notice was" if delivered == 1 else f"{delivered} notices were"
    write.note(f"{were} delivered; {outcomes.unsent} could not be." if outcomes.unsent else f"{were} delivered.")
    return outcomes.unsent


def _table(found: Sequence[Queued], now: datetime) -> str:
    from auditor.publish.notice_text import about, state
    from auditor.publish.spelling import span

    headers = ["ID", "STATE", "TARGET", "AGE", "TRIES", "WHAT", "ERROR"]
    rows = [
        [
            queued.notice.id[:_SHOWN_ID],
            state(queued, now),
            queued.notice.target,
            span(now - queued.notice.created_at),
            str(queued.attempts),
            about(queued.notice),
            queued.error or "",
        ]
        for queued in found
    ]
    return write.columns(headers, rows)

"""Running the command with all that it would log, and reading all that it wrote, to look for what must not be there."""

from __future__ import annotations

import io
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import zstandard

from auditor.cli.exits import guarded
from auditor.cli.root import audit


def run_logged(*arguments: str) -> str:
    """What a command prints, and what it would log if everything of ours were logged."""
    out, err = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(err)
    loggers = [logging.getLogger(name) for name in ("auditor", "collectors")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            guarded(audit, ["--debug", *arguments])
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
    return f"{out.getvalue()}\0{err.getvalue()}"


def contents(database: Path) -> Iterator[tuple[str, bytes]]:
    """Every value in a SQLite file, and what it holds where it is compressed."""
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            for row in connection.execute(f'select * from "{table}"'):
                for value in row:
                    data = value if isinstance(value, bytes) else str(value).encode()
                    yield table, data
                    if data[:4] == b"\x28\xb5\x2f\xfd":
                        yield f"{table}, unpacked", zstandard.ZstdDecompressor().decompress(data)

"""`audit token`: made once, listed, taken back; and never in the way of the wrong person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.cli.exits import Exit, guarded
from auditor.cli.root import audit
from auditor.credentials import digest, id_of
from auditor.store import Store

CONFIG = "environments:\n  staging: {sources: [{collector: files, path: .}]}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "auditor.yaml").write_text(f"{CONFIG}serve: {{auth: {{tokens: true}}}}\n")
    return tmp_path


def test_a_token_is_made_listed_and_taken_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout has the token and nothing else, so that a script can take it; the list never has it."""
    assert guarded(audit, ["token", "create", "ada", "--scope", "admin", "--expires", "never"]) == Exit.PARITY
    made = capsys.readouterr()
    text = made.out.strip()
    assert id_of(text)
    assert "shown this once only" in made.err
    assert "lets nobody in" not in made.err
    with Store.open(f"sqlite:///{folder}/auditor.db") as store:
        found = store.token(str(id_of(text)))
        assert found is not None
        assert found[1] == digest(text)
        assert (found[0].name, found[0].scope, found[0].expires_at) == ("ada", "admin", None)
        assert [(deed.via, deed.action) for deed in store.trail()] == [("cli", "token.create")]
    assert guarded(audit, ["token", "list", "--format", "json"]) == Exit.PARITY
    listed = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["state"], one["expires_at"]) for one in listed] == [("ada", "active", None)]
    assert guarded(audit, ["token", "revoke", "ada"]) == Exit.PARITY
    assert "Revoked the token ada" in capsys.readouterr().out
    assert guarded(audit, ["token", "list"]) == Exit.PARITY
    assert capsys.readouterr().out == "No tokens.\n"
    assert guarded(audit, ["token", "list", "--all"]) == Exit.PARITY
    table = capsys.readouterr().out
    assert "revoked" in table
    assert text.rpartition("_")[2] not in table


def test_a_token_is_named_by_its_id_where_several_share_a_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which one, the message lists."""
    ids = []
    for _ in range(2):
        guarded(audit, ["token", "create", "ci"])
        ids.append(str(id_of(capsys.readouterr().out.strip())))
    assert guarded(audit, ["token", "revoke", "ci"]) == Exit.USAGE
    told = capsys.readouterr().err
    assert all(one in told for one in ids)
    assert guarded(audit, ["token", "revoke", ids[0]]) == Exit.PARITY
    assert guarded(audit, ["token", "revoke", "ci"]) == Exit.PARITY
    assert guarded(audit, ["token", "revoke", "ci"]) == Exit.USAGE


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["create", "a\nb"], "A token's name has"),
        (["create", "ci", "--expires", "soon"], "write it such as 12h, 90d, or never"),
        (["create", "ci", "--expires", "0s"], "has to last for some time"),
        (["revoke", "nobody"], "There is no active token"),
    ],
)
def test_what_cannot_be_is_a_usage_error(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """One sentence that says what can."""
    assert guarded(audit, ["token", *arguments]) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_a_token_that_lets_nobody_in_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the configuration does not accept any yet."""
    (folder / "auditor.yaml").write_text(CONFIG)
    assert guarded(audit, ["token", "create", "ci"]) == Exit.PARITY
    assert "lets nobody in yet" in capsys.readouterr().err

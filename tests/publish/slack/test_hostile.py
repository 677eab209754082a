"""Whatever names and values hold: the message is valid, within every limit, shows it, and pings nobody."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model import Severity, Side, Status
from auditor.notices import Happening
from auditor.publish.slack.blocks import FALLBACK_ROOM, HEADER_ROOM, MESSAGE_ROOM, Message, header, short, size
from auditor.publish.slack.digest import digest
from auditor.publish.slack.explanation import explain
from auditor.publish.slack.parent import parent
from auditor.publish.slack.reply import event, reply
from tests.publish.slack.stories import AT, GAP_LIST, LOOK, conversation, found, news, whole_digest
from tests.standins.block_kit import pings, problems

PIECES = (
    "<!channel>", "<@U012AB3CD>", "@here", "<#C012>", ":tada:", "`", "```", "*b*", "_i_", "~s~", "&amp;", "\n", "\u202e",
    "\u200b", "\ufeff", "\x00", "\x1b[31m", "\ud800", "\U0001f9e8" * 30, "a" * 400, "שלום", "<https://x.example|y>", " ",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=30), max_size=12).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXTS, inner, max_size=6),
    max_leaves=12,
)


def fine(message: Message) -> None:
    """What must hold of any message."""
    body = {"text": message.text, "blocks": list(message.blocks)}
    assert problems(body["blocks"]) == []
    assert pings(body) == []
    assert size(message.blocks) <= MESSAGE_ROOM
    assert 0 < len(message.text.replace("&amp;", "&")) <= 4 * FALLBACK_ROOM
    message.text.encode()


@settings(max_examples=8, deadline=None)
@given(
    identity=TEXTS, path=st.lists(TEXTS, max_size=4), left=VALUES, right=VALUES, said=TEXTS, number=st.integers(1, 12)
)
def test_no_name_or_value_breaks_a_message(
    identity: str, path: list[str], left: object, right: object, said: str, number: int
) -> None:
    """The same finding in the first message, in a reply, alone, explained and in a digest."""
    stored = found(
        identity=identity, path=tuple(path), left=left, right=right, message=said, remediation=said, owner=said
    )
    breach = replace(
        stored.breach, about=said, suggestion=said, left=Side(said, identity, left), right=Side(identity, said, right),
        rule=replace(stored.breach.rule, policy=said, id=identity, file=said, overrode=(said,) * 9),
    )  # fmt: skip
    findings = [replace(stored, breach=replace(breach, fingerprint=f"{item:032x}")) for item in range(number)]
    changes = replace(
        news(Happening.ESCALATED, findings, reason=said, actor=said, complete=False, new_gaps=GAP_LIST * 9), left=said
    )
    resolved = [replace(item, status=Status.RESOLVED) for item in findings]
    fine(parent(conversation(said, findings), changes, LOOK))
    fine(parent(conversation(said, resolved), changes, LOOK))
    fine(reply(changes, LOOK))
    fine(event(changes, LOOK))
    fine(explain(findings, LOOK))
    pair = replace(whole_digest().pairs[1], worst=tuple(findings[:5]), flapping=tuple(findings[:5]), left=said)
    fine(digest(replace(whole_digest(), pairs=(pair,) * number), LOOK))


@settings(max_examples=200, deadline=None)
@given(text=TEXTS, room=st.integers(1, 200))
def test_shortened_text_has_room_however_its_characters_are_counted(text: str, room: int) -> None:
    """Characters beyond the basic plane count twice; what fits stays as it is."""
    cut = short(text, room)
    assert len(cut.encode("utf-16-le", "surrogatepass")) // 2 <= room
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 <= room:
        assert cut == text


def test_a_title_of_emoji_fits_the_header() -> None:
    """150 of them would be 300 of what Slack may count."""
    shown = header("\U0001f9e8" * 300)["text"]["text"]
    assert HEADER_ROOM - 4 <= len(shown.encode("utf-16-le")) // 2 <= HEADER_ROOM


def test_two_thousand_findings_of_every_severity_are_one_readable_message() -> None:
    """The worst are listed, the others counted, and no list is longer than people read."""
    findings = [
        found(severity=tuple(Severity)[number % 5], identity=f"name-{number}-" + "é" * 90) for number in range(2000)
    ]
    message = parent(conversation("all", findings), news(findings=findings), LOOK)
    fine(message)
    said = str(message.blocks)
    assert "and 1,995 more (395 critical, 400 high, 400 medium, 400 low, 400 info)" in said
    assert said.count("rich_text_section") < 12
    assert AT.isoformat()[:10] in said

"""The page that console reports are written on: lines with a hanging indent, and one grid of four columns.

The grid is the same from the first section to the last, so the two environments stay under each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.model import Breach, Severity
from auditor.publish.spelling import Shown, brief, middle, side_by_side

DEFAULT_WIDTH = 100
_NARROWEST = 60
_MARK = 8
_TAG = 10
_GUTTER = 2
STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}


class Page:
    """Collects lines at one width. Nothing is asked of the terminal or of environment variables."""

    def __init__(self, width: int, color: bool) -> None:
        self.width = max(width, _NARROWEST)
        self._file = StringIO()
        self._console = Console(
            file=self._file,
            width=self.width,
            height=1000,
            color_system="standard" if color else None,
            force_terminal=color,
            force_jupyter=False,
            force_interactive=False,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
            _environ={},
        )

    def line(self, text: str, *, indent: int = 0, lead: str = "", style: str = "") -> None:
        """One paragraph, wrapped beside its `lead`."""
        for number, line in enumerate(self.wrapped(Text(text), self.width - indent - len(lead))):
            before = lead if number == 0 else " " * len(lead)
            self.print(Text(" " * indent + before).append(line.plain, style))

    def wrapped(self, text: Text, width: int, wrap: bool = True) -> list[Text]:
        """The text in lines of at most `width` columns; in one, cut short, where it may not wrap."""
        if not wrap:
            text.truncate(width, overflow="ellipsis")
            return [text]
        lines = list(text.wrap(self._console, width, overflow="fold"))
        for line in lines:
            line.rstrip()
        return lines

    def fact(self, name: str, text: str) -> None:
        self.line(text, lead=f"{name:<11}")

    def place(self, name: str, text: str) -> None:
        """A fact to be copied or clicked, so never broken, however long."""
        self._file.write(f"{name:<11}{text}\n")

    def rule(self, title: str = "", *, style: str = "dim") -> None:
        if title:
            self.print(Text(title, style))
        self.print(Text("-" * self.width, "dim"))

    def blank(self) -> None:
        self.print(Text())

    def table(self, table: Table) -> None:
        self._console.print(table)

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._file.getvalue().splitlines()) + "\n"

    def print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


class Grid:
    """Four columns: what, left value, right value, the first characters of the fingerprint."""

    def __init__(self, page: Page, left: str, right: str) -> None:
        self.page = page
        free = page.width - 2 - _MARK - 3 * _GUTTER
        self._value = free * 32 // 100
        self._label = free - 2 * self._value
        self._heads = (brief(left, self._value), brief(right, self._value))

    @property
    def room(self) -> int:
        """Characters that a value may take: two or three lines of its column."""
        return self._value * (3 if self._value < 30 else 2)

    def head(self, title: str) -> None:
        """A section's title with the names of the environments above their columns."""
        self.page.blank()
        left, right = self._heads
        if len(title) > self._label + 2:
            self.page.line(title, style="bold")
            title = ""
        self._cells(Text(title, "bold"), Text(left, "bold"), Text(right, "bold"), "", indent=0)
        self.page.rule()

    def reason(self, severity: Severity, about: str, rule: str) -> None:
        """Why the rows that follow matter: once per rule."""
        words = Text(f"{about}  [{rule}]")
        words.stylize("dim", len(about))
        for number, line in enumerate(self.page.wrapped(words, self.page.width - _TAG)):
            tag = severity.value.upper() if number == 0 else ""
            self.page.print(Text().append(f"{tag:<{_TAG}}", STYLES[severity]).append_text(line))

    def row(self, label: str, left: Shown | str, right: Shown | str, fingerprint: str = "") -> None:
        self._cells(_broken(label, self._label - 2), self._fit(left), self._fit(right), fingerprint, indent=4)

    def _fit(self, shown: Shown | str) -> Text:
        return _broken(shown, self._value) if isinstance(shown, str) else _value(shown)

    def single(self, lead: str, name: str, path: str, breach: Breach, *, one_sided: bool) -> None:
        """A finding on exactly one line, whatever has to be left out for it; never of its `lead`."""
        if one_sided:
            sides: Sequence[Shown | str] = [
                "(absent)" if side.identity is None else brief(side.identity, self._value)
                for side in (breach.left, breach.right)
            ]
        else:
            sides = side_by_side(breach.left.value, breach.right.value, self._value)
        free = self._label - len(lead)
        name = middle(name, max(free - len(path) - 1, free // 3))
        label = Text(f"{lead}{name} {middle(path, free - len(name) - 1)}".rstrip())
        self._cells(label, _value(sides[0]), _value(sides[1]), breach.fingerprint, indent=2, wrap=False)

    def _cells(self, label: Text, left: Text, right: Text, fingerprint: str, *, indent: int, wrap: bool = True) -> None:
        """The cells beside each other, each wrapped in its column. Rich's own tables take ten times as long."""
        widths = (self._label + 2 - indent, self._value, self._value, _MARK)
        cells = (label, left, right, Text(fingerprint[:_MARK], "dim"))
        columns = [self.page.wrapped(cell, width, wrap) for cell, width in zip(cells, widths, strict=True)]
        for line in range(max(len(column) for column in columns)):
            row = Text(" " * indent)
            for column, width in zip(columns, widths, strict=True):
                cell = column[line] if line < len(column) else Text()
                row.append_text(cell).append(" " * (width + _GUTTER - cell.cell_len))
            row.rstrip()
            self.page.print(row)


def _value(shown: Shown | str) -> Text:
    if isinstance(shown, str):
        return Text(shown)
    return Text(shown.before).append(shown.changed, "bold").append(shown.after)


def _broken(label: str, room: int) -> Text:
    """A label broken after dots and slashes rather than within a word, where it does not fit on one line."""
    if len(label) <= room:
        return Text(label)
    lines, current = [], ""
    for part in _parts(label):
        if current and len(current) + len(part) > room:
            lines.append(current.rstrip())
            current = ""
        current += part
    return Text("\n".join([*lines, current]))


def _parts(label: str) -> list[str]:
    parts, start = [], 0
    for index, character in enumerate(label):
        if character in "./-_: ":
            parts.append(label[start : index + 1])
            start = index + 1
    return [*parts, label[start:]]

"""The check that a collector keeps its word finds each way of breaking it; other packages' collectors are found and checked."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from auditor.collector import Context, Options, Task
from auditor.contract import broken_promises, hidden_failures
from auditor.errors import AuditorError, CollectError
from auditor.model import Category, Gap, GapReason, Kind, Resource
from auditor.registry import Registry
from tests.standins.hostile import hostile

POT = Kind("teapot.pot", Category.COMPUTE, "Teapots", secret=("recipe",))
GUIDE = (Path(__file__).parents[1] / "docs" / "add-a-collector.md").read_text()
POTS = {"name": "brown-betty", "lid": True, "recipe": "earl grey, two sugars"}


class PotOptions(Options):
    url: str = "local"


class Loose(BaseModel):
    url: str = "local"


def pot(identity: str = "betty", **attributes: Any) -> Resource:
    return Resource(POT.name, identity, attributes)


@dataclass
class Shelf:
    """A collector of teapots that can be told to break one promise."""

    run: Callable[[], Iterable[Resource | Gap]] = lambda: [pot(lid=True)]
    name: str = "teapot"
    about: str = "Teapots"
    kinds: tuple[Kind, ...] = (POT,)
    options: type[Any] = PotOptions
    permissions: tuple[str, ...] = ()
    listed: tuple[str, ...] = (POT.name,)
    told: str = "teapot:shelf"
    planned: list[int] = field(default_factory=list)

    def label(self, options: Any) -> str:
        return self.told

    def plan(self, options: Any, context: Context) -> Iterable[Task]:
        yield Task(self.told, self.listed, lambda: iter(self.run()), label="pots")


def counting() -> Callable[[], Iterator[Resource]]:
    """Something that is never the same twice."""
    numbers = iter(range(100))
    return lambda: iter([pot(brewed=next(numbers))])


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"name": "Tea Pot"}, ["name: 'Tea Pot' is not one lower-case word", "label: 'teapot:shelf' does not begin"]),
        ({"about": " "}, ["about: it says nothing"]),
        ({"options": Loose}, ["options: not derived from"]),
        ({"permissions": "tea:Pour"}, ["permissions: not a tuple of texts"]),
        ({"kinds": ()}, ["kinds: none is declared", "kinds: teapot.pot is read, and not declared"]),
        ({"kinds": (POT, Kind("Pot", Category.COMPUTE, "x"))}, ["kinds: 'Pot' is not dotted lower case"]),
        ({"kinds": (POT, Kind("tea.cup", Category.COMPUTE, ""))}, ["kinds: tea.cup says nothing about itself"]),
        ({"told": "shelf"}, ["label: 'shelf' does not begin with the collector's name"]),
        ({"told": "teapot:hunter2"}, ["label: it holds a secret"]),
        ({"listed": ("teapot.cup",)}, ["plan: teapot.pot is read by a task that does not list it"]),
        ({"run": list}, ["run: nothing was read"]),
        ({"run": lambda: [pot(lid=True), pot(lid=False)]}, ["run: 2 of teapot.pot are called betty"]),
        ({"run": lambda: [pot(" ")]}, ["run: one of teapot.pot has no identity"]),
        ({"run": lambda: [pot(note="hunter2 is its name")]}, ["run: betty keeps a secret"]),
        ({"run": lambda: [pot(recipe="hunter2")]}, []),
        ({"run": counting()}, ["run: two readings of one unchanged source differ"]),
        ({}, []),
    ],
)  # fmt: skip
def test_each_broken_promise_is_told(broken: dict[str, Any], said: list[str]) -> None:
    """One sentence for each, and none for a collector that keeps them all."""
    found = broken_promises(Shelf(**broken), {}, secrets=["hunter2"])
    assert len(found) == len(said), found
    assert all(any(sentence.startswith(one) for sentence in found) for one in said), found


def denied() -> Iterator[Resource]:
    raise CollectError(GapReason.ACCESS_DENIED, "no tea for you")


def test_a_failure_that_looks_like_an_empty_listing_is_told() -> None:
    """Of two sources that cannot be read, one says so."""
    assert hidden_failures(Shelf(run=denied), [{}]) == []
    assert hidden_failures(Shelf(run=list), [{}, {}]) == [
        "source 1: nothing says that it could not be read",
        "source 2: nothing says that it could not be read",
    ]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Installs a package of one module, with the entry points that its pyproject would give it."""

    def install(code: str, entry_points: str) -> None:
        (tmp_path / "teapot.py").write_text(code)
        info = tmp_path / "parity_teapot-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: parity-teapot\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "teapot", raising=False)

    return install


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


def test_the_guide_leads_to_a_tested_collector_in_a_package_of_its_own(
    installed: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector, its test and its entry point as printed: found by name, and both tests pass."""
    (declared,) = re.findall(r'\[project.entry-points."(.*?)"\]\n(.*)', blocks("toml")[0])
    installed(blocks("python")[0], f"[{declared[0]}]\n{declared[1].replace(chr(34), '')}\n")
    assert Registry.load().get("teapot").kinds[0].name == "teapot.pot"
    tests = ModuleType("test_teapot")
    exec(compile(blocks("python test")[0], "test_teapot.py", "exec"), tests.__dict__)  # the guide's own words
    with hostile({"/pots": [POTS], "/tea": {"short": "stout"}}) as server:
        tests.test_the_teapot_keeps_its_word(server.url)
        tests.test_a_teapot_that_cannot_be_read_is_a_gap(server.url)
        monkeypatch.setattr(sys.modules["teapot"].COLLECTOR, "kinds", (Kind("teapot.pot", Category.COMPUTE, "Pots"),))
        with pytest.raises(AssertionError):
            tests.test_the_teapot_keeps_its_word(server.url)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_module_at_all", "the collector teapot of parity-teapot cannot be loaded"),
        ("POT = 1", "the collector teapot of parity-teapot cannot be loaded"),
        ("COLLECTOR = object()", "the collector teapot of parity-teapot has no name, about, kinds, options"),
    ],
)
def test_a_package_that_cannot_be_loaded_stops_the_run_by_name(
    installed: Callable[[str, str], None], code: str, said: str
) -> None:
    """What is left out quietly would not be missed."""
    installed(code, "[parity_auditor.collectors]\nteapot = teapot:COLLECTOR\n")
    with pytest.raises(AuditorError, match=said):
        Registry.load().get("teapot")

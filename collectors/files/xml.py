"""XML as plain data: attributes and elements by name, elements of one name by what tells them apart.

`<add key="Mode" value="fast"/>`, `<property name="Mode">fast</property>` and Hadoop's `<property><name>…` all are a
name and its value, and are read as such, so that a password is known by its name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from xml.etree import ElementTree
from xml.parsers import expat

from auditor.model import Json
from collectors.files.text import MAX_DEPTH, Malformed, Unsupported, check_depth

_NAMING = ("key", "name", "id")
_VALUE = "value"
_ENTITY = re.compile(r"<!ENTITY\b")
_NAMESPACE = re.compile(r"\A\{[^}]*\}")


def document(text: str) -> dict[str, Json]:
    """What an XML text says, by its root element. Raises Malformed with line and column, Unsupported for entities.

    Entities are not expanded: they may name other files, and a few of them may hold gigabytes.
    """
    if _ENTITY.search(text):
        raise Unsupported(
            "it declares entities, which are not expanded: give the text with them filled in, or exclude it"
        )
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        line, column = error.position
        raise Malformed(f"not XML ({expat.errors.messages[error.code]})", line, column + 1) from error
    except RecursionError as error:
        raise Malformed("nested too deeply") from error
    except ValueError as error:  # an encoding that the text does not have
        raise Malformed("not XML") from error
    found: dict[str, Json] = {_bare(root.tag): _element(root, 0)}
    check_depth(found)
    return found


def _element(element: ElementTree.Element, depth: int) -> Json:
    if depth > MAX_DEPTH:
        raise Malformed("nested too deeply")
    found: dict[str, Json] = {_bare(name): value for name, value in element.attrib.items()}
    by_name: dict[str, list[ElementTree.Element]] = defaultdict(list)
    for child in element:
        if isinstance(child.tag, str):
            by_name[_bare(child.tag)].append(child)
    text = (element.text or "").strip()
    if not found and not by_name:
        return text
    for name, children in by_name.items():
        below = _children([_element(child, depth + 1) for child in children])
        # An attribute and an element of one name say two things.
        found[name if name not in found else f"{name}[]"] = below
    if text:
        found[_VALUE if _VALUE not in found else "#text"] = text
    return found


def _children(items: list[Json]) -> Json:
    """Elements of one name: a map by what each is called, where each is called something else; one alone; a list."""
    naming = next((name for name in _NAMING if _names(items, name)), None)
    if naming is None:
        return items[0] if len(items) == 1 else items
    named: dict[str, Json] = {}
    for item in items:
        rest = {key: value for key, value in item.items() if key != naming}
        named[item[naming]] = rest[_VALUE] if set(rest) == {_VALUE} else rest
    return named


def _names(items: list[Json], name: str) -> bool:
    names = [item.get(name) if isinstance(item, dict) else None for item in items]
    return all(isinstance(one, str) and one for one in names) and len(set(names)) == len(names)


def _bare(name: str) -> str:
    return _NAMESPACE.sub("", name)

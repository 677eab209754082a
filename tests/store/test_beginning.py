from __future__ import annotations

from auditor.store import Store
from tests.store.samples import breach, run

_NAMES = ("ae" + "0" * 30, "af" + "0" * 30, "af" + "f" * 30, "b0" + "0" * 30)


def test_findings_are_found_by_the_beginning_of_their_fingerprints(store: Store) -> None:
    """All that begin so and no other, as many as wanted; a whole one first; nothing for what no fingerprint can be."""
    run(store, "a1", [breach(name, fingerprint=name) for name in _NAMES])

    def named(start: str, limit: int = 9) -> tuple[str, ...]:
        return tuple(stored.fingerprint for stored in store.beginning(start, limit))

    assert named("a") == _NAMES[:3]
    assert named("af") == _NAMES[1:3]
    assert named("af", 1) == (_NAMES[1],)
    assert named(_NAMES[3]) == (_NAMES[3],)
    assert named("c") == named("") == named("a%") == named("a\0") == ()


def test_findings_are_found_by_whole_fingerprints_in_their_order(store: Store) -> None:
    """Those that are not there are left out."""
    run(store, "a1", [breach(name, fingerprint=name) for name in _NAMES])
    wanted = (_NAMES[3], "af", _NAMES[0])
    assert [stored.fingerprint for stored in store.known(wanted)] == [_NAMES[3], _NAMES[0]]

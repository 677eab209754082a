"""Every page there is, on names, values and numbers that are meant to break it."""

from __future__ import annotations

import pytest

from tests.web.browser.checks import problems_of
from tests.web.browser.conftest import Companies, Gallery
from tests.web.browser.places import PLACES, World


@pytest.mark.parametrize("route", sorted(PLACES))
def test_a_page_bears_whatever_it_is_given(route: str, companies: Companies, gallery: Gallery) -> None:
    """Nothing of the data runs, leads elsewhere, reorders the text or pushes the page apart."""
    assert problems_of(World("hostile", companies("hostile")), route, gallery) == {}

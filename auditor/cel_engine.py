"""The `cel` package without its own command line, which it would import with itself: a fifth of the time ours takes to start."""

from __future__ import annotations

import sys
import types

sys.modules.setdefault("cel.cli", types.ModuleType("cel.cli"))

import cel  # noqa: E402 - what stands above has to come first

__all__ = ["cel"]

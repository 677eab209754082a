"""What is sent to the API: JSON of a known shape and a bounded size, looked at only once it is known who sends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError

from auditor.web.guard import body_of, json_only

MOST_BYTES = 100_000
BODY_REFUSALS = (413, 415)


class Sent(BaseModel):
    """A body. Unknown keys are refused: a misspelt one would be taken for one left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


Shape = TypeVar("Shape", bound=Sent)


def body(model: type[Shape]) -> Callable[[Request], Awaitable[Shape]]:
    """A dependency that gives the body. `document.py` finds the model by it."""

    async def read(request: Request) -> Shape:
        json_only(request)
        content = await body_of(request, MOST_BYTES)
        if b"\\u0000" in content or b"\0" in content:
            said = "holds a character that no text has (NUL); leave it out"
            raise RequestValidationError([{"loc": ("body",), "msg": said, "type": "value_error"}])
        try:
            return model.model_validate_json(content)
        except ValidationError as error:
            raise RequestValidationError(_placed(error)) from error

    read.model = model  # type: ignore[attr-defined]
    return read


def _placed(error: ValidationError) -> list[Any]:
    return [
        {**one, "loc": ("body", *one["loc"])}
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]

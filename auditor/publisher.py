"""Port: what delivers a notice. Slack, a webhook and Alertmanager each implement it under `auditor/publish/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.model import Json
    from auditor.notices import Conversation, Queued


class Publisher(Protocol):
    """One far side. Called from one thread at a time for each of its targets.

    `name` is what its targets begin with: the publisher `slack` delivers what is for `slack:#parity`.
    """

    @property
    def name(self) -> str: ...

    def deliver(self, queued: Queued, conversation: Conversation | None, now: datetime) -> Json | None:
        """Hand one notice to the far side and return what it calls it, as JSON (None: it names nothing).

        Returns only after the far side accepted it. `queued` is the notice as it was before this attempt: where
        `queued.ended` is false an earlier attempt was cut short, so nobody knows whether the far side has it. Then look
        for `queued.notice.id`, the idempotency key, on the far side first, and return what is found there.

        `conversation` is the topic of the notice with its findings as they are now, None where it has no topic. Its
        first message may be updated in place from it. A reply whose topic has no reference stands alone: its first
        message was given up.

        Takes 45 seconds at most: after a minute an attempt that has not ended counts as broken off.

        Raises PublishError. `doubt` is true where the far side may have accepted it nevertheless: a timeout after the
        request was sent, a connection that broke before the answer.
        """
        ...

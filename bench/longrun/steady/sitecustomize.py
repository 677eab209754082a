"""Python reads this at its start in copies whose clock is stepped: libfaketime breaks the call that `sleep` is made of."""

import threading
import time


def _sleep(seconds: float) -> None:
    threading.Event().wait(seconds)


time.sleep = _sleep

"""What becomes of a request that a server did not answer: the row's reason, or the end of the run."""

from collections.abc import Callable

import openai

from unicedit.map.compute import EngineError
from unicedit.vlm.calls import passing, told

HOPELESS = 8  # requests given up, and none answered: it is the server


class Failures:
    """The failed requests of one process to one model."""

    def __init__(self, model: str, key_variable: str, tries: int, refuses: Callable[[object], bool]) -> None:
        self.model, self.key_variable, self.tries, self.refuses = model, key_variable, tries, refuses
        self._given_up = 0

    def answered(self) -> None:
        """A reply came: from now on no row's failure is the server's."""
        self._given_up = -1

    def reason(self, error: Exception) -> str:
        """The reason of a row whose request ended with ``error``. Raises ``EngineError`` where no request can succeed."""
        if isinstance(error, openai.APIStatusError) and self.refuses(error.code):
            return f"refused: {told(error)}"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            raise EngineError(f"the server refuses the key in {self.key_variable}: {told(error)}") from None
        if isinstance(error, openai.NotFoundError):
            raise EngineError(f"the server knows no model {self.model}, or has another address: {told(error)}") from None
        if isinstance(error, openai.RateLimitError) and not passing(error):
            raise EngineError(f"the account has no credit left: {told(error)}") from None
        if not passing(error):
            return f"not accepted: {told(error)}"
        if self._given_up >= 0:
            self._given_up += 1
            if self._given_up >= HOPELESS:
                raise EngineError(
                    f"{self._given_up} requests got no answer in {self.tries} tries each, and none did: {told(error)}"
                ) from None
        return f"no answer: {told(error)} ({self.tries} tries)"

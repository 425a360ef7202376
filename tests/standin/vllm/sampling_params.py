"""As vLLM's module of this name, with what the worker uses."""

from dataclasses import dataclass
from typing import Any


@dataclass
class StructuredOutputsParams:
    """A schema for constrained decoding."""

    json: Any = None

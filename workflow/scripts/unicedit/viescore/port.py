"""A question about an edit, whatever asks it: which pictures it shows, what it says, and how the answer reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from unicedit.vlm.reply import Line


class Reply(BaseModel):
    """Why, and then the scores in the order of the fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    reason: Line

    @property
    def scores(self) -> list[float]:
        """The scores."""
        return [float(getattr(self, name)) for name in type(self).model_fields if name != "reason"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a question may say of its edit: the instruction, how many source pictures there are, what the benchmark's authors note for the judge (empty: nothing),
    and whether a picture of a right result is there.
    """

    instruction: str
    sources: int = 1
    note: str = ""
    reference: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. The edit is always shown; before it the source pictures where ``source`` is true, and after it a picture of a right result where
    ``reference`` is true and there is one.
    """

    text: Callable[[Told], str]
    reply: type[Reply]
    source: bool = True
    reference: bool = False


Questions = Callable[[str], Mapping[str, Asked]]  # the questions about an edit of a group, by the names that tables give them

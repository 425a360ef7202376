"""Every model that a configuration uses, found by the pairs of settings that name a model and its revision."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from unicedit.config.section import Section

PAIRS = (("model", "revision"), ("base", "revision"), ("blind_model", "blind_revision"), ("larger", "larger_revision"))
ENGINES = frozenset({"simulated", "ssim", "diffusers", "transformers", "vllm", "openai", "batch", "gemini", "ark", "images", "python"})
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_S = TypeVar("_S", bound=Section)


@dataclass(frozen=True, slots=True)
class Listed:
    """One model. ``key`` is its setting; ``only`` the one file of it that is wanted, for an adapter."""

    key: str
    model: str
    revision: str | None
    only: str | None = None

    @property
    def folder(self) -> bool:
        """Whether it is at hand under its own name."""
        return Path(self.model).exists()

    @property
    def hub_id(self) -> bool:
        """Whether its name is one that a hub may have."""
        return _HUB_ID.fullmatch(self.model) is not None and not self.model.endswith(".safetensors")

    @property
    def pinned(self) -> bool:
        """Whether its revision is a commit, which stands for itself."""
        return self.revision is not None and _COMMIT.fullmatch(self.revision) is not None

    @property
    def name(self) -> str:
        """Its name in the lock file: what was asked for."""
        return f"{self.model}@{self.revision or 'main'}" + (f"/{self.only}" if self.only else "")


def _parts(section: Section) -> Iterator[tuple[str, Any]]:
    """The fields of a section that count: without the settings of engines that were not chosen."""
    engine = getattr(section, "engine", None)
    for name in type(section).model_fields:
        if name not in ENGINES or engine is None or name == engine:
            yield name, getattr(section, name)


def _own(section: Section, key: str) -> Iterator[tuple[str, Listed]]:
    """The models that a section itself names, each with the name of its revision's setting."""
    fields = type(section).model_fields
    for name, revision in PAIRS:
        if name in fields and revision in fields and (model := getattr(section, name)):
            yield revision, Listed(f"{key}{name}", model, getattr(section, revision), getattr(section, "weight_name", None))


def listed(section: Section, key: str = "") -> Iterator[Listed]:
    """The models of a section and of all below it."""
    for _, one in _own(section, key):
        yield one
    for name, value in _parts(section):
        if isinstance(value, Section):
            yield from listed(value, f"{key}{name}.")
        elif isinstance(value, tuple):
            for number, entry in enumerate(value):
                if isinstance(entry, Section) and getattr(entry, "run", True):  # a benchmarked model that is not run needs no weights
                    yield from listed(entry, f"{key}{name}.{number}.")


def with_revisions(section: _S, revision_of: Callable[[Listed], str | None]) -> _S:
    """The section with the revisions that ``revision_of`` gives in place of its own; None leaves one as it is."""
    changed: dict[str, Any] = {name: found for name, one in _own(section, "") if (found := revision_of(one)) and found != one.revision}
    for name, value in _parts(section):
        new: Any = value
        if isinstance(value, Section):
            new = with_revisions(value, revision_of)
        elif isinstance(value, tuple) and any(isinstance(entry, Section) for entry in value):
            entries = [with_revisions(entry, revision_of) if isinstance(entry, Section) else entry for entry in value]
            new = value if all(one is other for one, other in zip(entries, value, strict=True)) else tuple(entries)
        if new is not value:
            changed[name] = new
    return section.model_copy(update=changed) if changed else section

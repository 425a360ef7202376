"""What Table 4 is about: its models and judges, and what must be said of them beside any figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from unicedit.files import digest_of

NOT_RUN = "not run"


def source_of(judge: str) -> str:
    """How the long tables call a judge's figures."""
    return f"measured by {judge}"


def row_of(model: str, language: str) -> str:
    """How the long tables call a model in a language."""
    return f"{model}, {language}"


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the configuration; ``paper`` is its name in the paper's table."""

    name: str
    paper: str | None
    run: bool
    engine: str


@dataclass(frozen=True, slots=True)
class JudgeInfo:
    """One judge: its settings, the snapshots that answered, and one digest over its prompts (empty for one that reads none)."""

    name: str
    engine: str
    mode: str
    snapshots: tuple[str, ...]
    prompts: str

    @property
    def from_truth(self) -> bool:
        """Whether it is no judge, but measures from the truth of simulated edits."""
        return self.engine == "measured"

    @property
    def line(self) -> str:
        """Judge, snapshot and prompt digest in one line."""
        snapshots = ", ".join(self.snapshots) or "no reply"
        if self.from_truth:
            return f"**{self.name}** ({snapshots}): no judge, but the metrics computed from the truth of the simulated edits; no prompt"
        if self.engine == "python":
            return f"judge **{self.name}** (a program of one's own, {snapshots}); no prompt"
        return f"judge **{self.name}** ({self.engine}, {snapshots}, {self.mode}), prompt digest `{self.prompts}`"


@dataclass(frozen=True, slots=True)
class About:
    """The table's models in the configuration's order, its judges and languages."""

    models: tuple[Model, ...]
    judges: tuple[JudgeInfo, ...]
    languages: tuple[str, ...]
    source: str

    @property
    def title(self) -> str:
        """The end of a title: what is simulated."""
        if self.source != "world" and all(model.engine != "simulated" for model in self.models if model.run):
            return ""
        return ", in the simulated world" + (", measured from its truth" if all(judge.from_truth for judge in self.judges) else "")

    @property
    def note(self) -> str:
        """A sentence on what was simulated; empty when all was real."""
        names = [model.name for model in self.models if model.run and model.engine == "simulated"]
        played = [*(["the samples"] if self.source == "world" else []), *([f"the models {', '.join(names)}"] if names else [])]
        played += [f"the scores of {judge.name}" for judge in self.judges if judge.from_truth]
        return (
            f"**Simulated** here: {'; '.join(played)}. The measured figures speak of the simulation, and are not to be compared with the paper's."
            if played
            else ""
        )


def about(values: Mapping[str, Any], judged: pa.Table) -> About:
    """From the rule's settings and the judges' rows."""
    return About(
        tuple(Model(**model) for model in values["models"]),
        tuple(_judge(judge, judged) for judge in values["judges"]),
        tuple(values["languages"]),
        values["source"],
    )


def _judge(values: Mapping[str, str], judged: pa.Table) -> JudgeInfo:
    names: Sequence[str] = judged["judge"].to_pylist()
    rows = [place for place, name in enumerate(names) if name == values["name"]]
    own = judged.select(["metric", "prompt", "snapshot"]).take(pa.array(rows, pa.int64())).to_pylist()
    prompts = sorted({(row["metric"], row["prompt"]) for row in own if row["prompt"]})
    snapshots = sorted({row["snapshot"] for row in own if row["snapshot"]})
    return JudgeInfo(**values, snapshots=tuple(snapshots), prompts=digest_of(prompts)[:12] if prompts else "")

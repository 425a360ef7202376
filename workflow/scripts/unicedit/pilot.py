"""Pass rates by sub-task, measured on a finished run, to be frozen in the configuration (issue 3, item 5).

The pass rate of a sub-task is accepted / asked: of the instructions that were planned for it, those that end as an edit the verifier
accepts. What was impossible for its picture, a duplicate, unanswered, a failed edit or a rejected one was asked and did not pass.
Alternates are left out, for the writer chose them to fit; so are pictures whose reply never fitted, for their plan left no rows. Small
counts are drawn to the rate over all sub-tasks, as if one further instruction had been asked that passes at that rate; and no rate is
below the floor, so that no sub-task is oversampled without bound.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from unicedit.errors import PipelineError
from unicedit.files import write_text
from unicedit.lookup import rows
from unicedit.schema import OK

FLOOR = 0.05  # a sub-task is asked for at most 20 times as often as one that always passes
ENOUGH = 20  # asked so often in vain, a sub-task's true rate is under 14% with 95% confidence


@dataclass(frozen=True, slots=True)
class PassRate:
    """What a run showed of one sub-task."""

    subtask: str
    asked: int
    accepted: int
    rate: float  # smoothed, at least the floor

    @property
    def hopeless(self) -> bool:
        """Whether it was asked often enough, and never passed."""
        return self.asked >= ENOUGH and not self.accepted


def count(shards: Iterable[tuple[Path, Path, Path]]) -> tuple[Counter[str], Counter[str]]:
    """Instructions asked and accepted by sub-task, over the instruct, edit and verify tables of shards."""
    asked: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    for instruct, edit, verify in shards:
        passed = {row["key"] for row in rows(verify, ["key"], OK)}
        good = {row["instruction"] for row in rows(edit, ["key", "instruction"], OK) if row["key"] in passed}
        for row in rows(instruct, ["key", "subtask", "alternate"]):
            if row["subtask"] is not None and not row["alternate"]:
                asked[row["subtask"]] += 1
                accepted[row["subtask"]] += row["key"] in good
    return asked, accepted


def pass_rates(asked: Mapping[str, int], accepted: Mapping[str, int], floor: float = FLOOR) -> list[PassRate]:
    """Smoothed pass rates by sub-task. Raises ``PipelineError`` where nothing was accepted at all."""
    if not sum(accepted.values()):
        raise PipelineError(f"pilot: none of {sum(asked.values())} instructions was accepted: there is no pass rate to measure")
    overall = sum(accepted.values()) / sum(asked.values())
    found = []
    for name in asked:
        passed = accepted.get(name, 0)
        found.append(PassRate(name, asked[name], passed, round(max(floor, (passed + overall) / (asked[name] + 1)), 4)))
    return sorted(found, key=lambda one: one.subtask)


def overlay(measured: Iterable[PassRate]) -> str:
    """A configuration overlay that freezes the rates, with the counts they come from, and leaves out what never passes."""
    measured = list(measured)
    lines = [
        "# Pass rates by sub-task, measured by `make pilot`; name this file with --configfile, or copy it into your configuration.",
        "# Sub-tasks that rarely pass are asked for more often, so that the accepted rows come out in the target shares.",
        "instruct:",
        "  pass_rates:",
        *(f"    {one.subtask}: {one.rate}  # {one.accepted} of {one.asked} asked" for one in measured if not one.hopeless),
    ]
    if any(one.hopeless for one in measured):
        lines += [
            "  # These never passed; asking for them more often would only cost the others their places. Delete a line to go on asking.",
            "  shares:",
            *(f"    {one.subtask}: 0  # 0 of {one.asked} asked" for one in measured if one.hopeless),
        ]
    return "\n".join(lines) + "\n"


def shards_of(results: Path) -> list[tuple[Path, Path, Path]]:
    """The instruct, edit and verify tables of all verified shards. Raises ``PipelineError`` where there are none."""
    verified = sorted((results / "verify").glob("*.parquet"))
    found = [(results / "instruct" / path.name, results / "edit" / path.name, path) for path in verified]
    if not found:
        raise PipelineError(f"{results}: no verified shard there; run the pipeline on some pictures first")
    return found


def measure(results: Path, out: Path) -> list[PassRate]:
    """Measure a run's pass rates and write the overlay; returns the rates."""
    measured = pass_rates(*count(shards_of(results)))
    write_text(out, overlay(measured))
    return measured

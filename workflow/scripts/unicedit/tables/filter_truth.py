"""The failure filter against the truth, which only simulated edits have: what does it catch, cost, and restate rightly?

An edit is *invalid* when the truth says that no valid edit took place. It is *dropped* when the verifier rejected it; one whose
verification failed has no verdict, is counted in ``expected`` and not in ``n``, and never as dropped. Intervals are Wilson's; they take
edits of one image as independent.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from unicedit.config.tables import TablesSettings
from unicedit.errors import PipelineError
from unicedit.figure import FAINT, INK, bare, figure, save
from unicedit.figure import MEASURED as BLUE
from unicedit.files import write_text
from unicedit.markdown import plain, table
from unicedit.schema import FAILED, OK, REJECTED
from unicedit.tables.interval import wilson
from unicedit.tables.table import Figure, Figures, shown, write_long
from unicedit.vlm.template import render

NAME = "filter_truth"
ALL = "all"
HEAD = ("kind of failure", "edits", "invalid", "dropped", "no verdict", "recall", "false alarm rate", "restated rightly")
KINDS = ("none", "no_edit", "misaligned", "quality", "damage")


@dataclass
class Outcomes:
    """Edits by kind of failure, added shard by shard."""

    edits: Counter[tuple[str, bool, str]] = field(default_factory=Counter)  # kind, valid, status of the verdict
    restated: Counter[tuple[str, bool]] = field(
        default_factory=Counter
    )  # kind, and whether the restated instruction is the true one; kept edits that changed something

    def add_shard(self, results: Path, shard: str) -> None:
        """Join a shard's verdicts with the truth. Raises ``PipelineError`` when the two do not speak of the same edits."""
        verdicts = pq.read_table(results / "verify" / f"{shard}.parquet", columns=["key", "status", "prompt_en"]).to_pylist()
        columns = ["key", "kind", "valid", "true_en"]
        truths = pq.read_table(results / "truth" / "truth.parquet", columns=columns, filters=[("shard", "==", shard)]).to_pylist()
        known = {truth["key"]: truth for truth in truths}
        missing = {verdict["key"] for verdict in verdicts} ^ set(known)
        if missing:
            raise PipelineError(
                f"shard {shard}: {len(missing)} edits are in only one of verify and truth, as {min(missing)}; "
                "remove results/truth and run again"
            )
        for verdict in verdicts:
            truth = known[verdict["key"]]
            self.edits[truth["kind"], truth["valid"], verdict["status"]] += 1
            if verdict["status"] == OK and truth["true_en"] is not None:
                self.restated[truth["kind"], normalised(verdict["prompt_en"]) == normalised(truth["true_en"])] += 1

    def of(self, kind: str, valid: bool | None = None, status: str | None = None) -> int:
        """Edits of a kind (``all``: of every kind), only the valid or invalid ones and those with a verdict's status where given."""
        return sum(
            n for (at, good, state), n in self.edits.items() if kind in (ALL, at) and valid in (None, good) and status in (None, state)
        )

    def right(self, kind: str, right: bool | None = None) -> int:
        """Kept edits of a kind whose restated instruction is the true one (or not, or either)."""
        return sum(n for (at, good), n in self.restated.items() if kind in (ALL, at) and right in (None, good))


def normalised(text: str | None) -> str:
    """A text as it is compared: compatibility forms, case, white space and punctuation do not count."""
    return " ".join(re.sub(r"[^\w\s]", " ", unicodedata.normalize("NFKC", text or "").casefold()).split())


def figures_of(outcomes: Outcomes, confidence: float) -> list[Figure]:
    """All figures: counts and shares by kind of failure, and over all."""
    found: list[Figure] = []
    others = sorted({kind for kind, _, _ in outcomes.edits} - set(KINDS))
    for kind in (*KINDS, *others, ALL):
        every, failed = outcomes.of(kind), outcomes.of(kind, status=FAILED)
        dropped = {valid: outcomes.of(kind, valid, REJECTED) for valid in (True, False)}
        judged = {valid: dropped[valid] + outcomes.of(kind, valid, OK) for valid in (True, False)}
        counts = (("rows", every), ("invalid", outcomes.of(kind, valid=False)), ("dropped", sum(dropped.values())), ("failed", failed))
        found += [Figure(kind, metric, number, n=every - failed, expected=every) for metric, number in counts]
        shares = [
            ("recall", dropped[False], judged[False], outcomes.of(kind, valid=False)),
            ("false_alarm_rate", dropped[True], judged[True], outcomes.of(kind, valid=True)),
            ("restated_right", outcomes.right(kind, True), outcomes.right(kind), outcomes.right(kind)),
        ]
        if kind == ALL:
            kept = sum(judged.values()) - sum(dropped.values())
            shares += [
                ("precision", dropped[False], sum(dropped.values()), sum(dropped.values())),
                ("valid_share_before", judged[True], sum(judged.values()), every),
                ("valid_share_after", judged[True] - dropped[True], kept, kept),
            ]
        for metric, hits, n, expected in shares:
            low, high = wilson(hits, n, confidence)
            found.append(Figure(kind, metric, hits / n if n else None, low, high, n, expected))
    return found


def page(figures: Sequence[Figure], verifier: str, confidence: float) -> str:
    """The table as Markdown."""
    found = Figures(figures)
    kinds = list(dict.fromkeys(one.row for one in figures))
    counts, shares = ("rows", "invalid", "dropped", "failed"), ("recall", "false_alarm_rate", "restated_right")
    rows = [
        (plain(kind), *(shown(found.get(kind, metric)) for metric in counts), *(shown(found.get(kind, metric), 3) for metric in shares))
        for kind in kinds
    ]
    return (
        render(
            Path(__file__).with_name("filter_truth.jinja"),
            verifier=plain(verifier),
            table=table(HEAD, rows),
            precision=shown(found.get(ALL, "precision"), 3),
            before=shown(found.get(ALL, "valid_share_before"), 3),
            after=shown(found.get(ALL, "valid_share_after"), 3),
            level=f"{100 * confidence:g}",
        )
        + "\n"
    )


def plot(figures: Sequence[Figure], verifier: str, path: Path) -> None:
    """Draw the share dropped by kind of failure, valid and invalid edits apart, and the rightness of restating."""
    found = Figures(figures)
    drawn = figure(12.5, 4.8)
    drawn.suptitle(
        f"Failure filter ({verifier}) against the truth of simulated edits",
        x=0.01,
        ha="left",
        fontsize=12,
        fontweight="bold",
        color=INK,
    )
    panels = (
        ("recall", "Invalid edits that were dropped\n(recall: more is better)"),
        ("false_alarm_rate", "Valid edits that were dropped\n(false alarms: less is better)"),
        ("restated_right", "Kept edits restated rightly\n(more is better)"),
    )
    kinds = list(dict.fromkeys(one.row for one in figures))
    for number, (metric, title) in enumerate(panels):
        axes = drawn.add_subplot(1, 3, number + 1)
        for place, kind in enumerate(kinds):
            one = found.get(kind, metric)
            if one is None or one.value is None:
                axes.text(2, place, "no such edits", va="center", fontsize=9, color=INK, alpha=0.6)
                continue
            assert one.ci_low is not None and one.ci_high is not None
            axes.barh(place, 100 * one.value, height=0.6, color=FAINT if kind == ALL else BLUE)
            axes.plot([100 * one.ci_low, 100 * one.ci_high], [place, place], color="black", linewidth=1.5)
            axes.text(
                max(100 * one.value, 100 * one.ci_high), place, f"  {100 * one.value:.1f}% of {one.n:,}", va="center", fontsize=9, color=INK
            )
        axes.set_yticks(range(len(kinds)), kinds if number == 0 else [""] * len(kinds))
        axes.set_ylim(len(kinds) - 0.5, -0.5)
        axes.set_xlim(0, 150)
        axes.set_xticks(range(0, 101, 25))
        bare(axes, title)
    save(drawn, path)


def compare(results: Path, shards: Iterable[str]) -> Outcomes:
    """Verdicts against the truth over shards; memory holds one shard's light columns."""
    outcomes = Outcomes()
    for shard in shards:
        outcomes.add_shard(results, shard)
    return outcomes


def filter_truth(results: Path, shards: Sequence[str], settings: TablesSettings, verifier: str) -> dict[str, int]:
    """Write ``tables/filter_truth.csv``, ``.md`` and ``.png``. Returns the number of figures by status."""
    figures = figures_of(compare(results, shards), settings.confidence)
    folder = results / "tables"
    write_long(NAME, figures, folder / f"{NAME}.csv")
    write_text(folder / f"{NAME}.md", page(figures, verifier, settings.confidence))
    plot(figures, verifier, folder / f"{NAME}.png")
    return {"ok": len(figures), "rejected": 0, "failed": 0}

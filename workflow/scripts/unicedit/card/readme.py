"""The dataset card: README.md with the front matter that the Hugging Face hub and ``datasets`` read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from unicedit.card.census import STAGES, Census
from unicedit.config.dataset import CardSettings
from unicedit.config.edit import EditSettings
from unicedit.config.instruct import InstructSettings
from unicedit.config.prefilter import PrefilterSettings
from unicedit.config.verify import VerifySettings
from unicedit.markdown import plain, table
from unicedit.schema import DATASET, FAILED, OK, REJECTED
from unicedit.taxonomy import Taxonomy
from unicedit.vlm.template import render

MOST_LICENCES = 20
_SIZES = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6), ("1M<n<10M", 10**7), ("10M<n<100M", 10**8))

COLUMNS = {
    "key": "unique key of the edit",
    "edit_task": "task: a group of sub-tasks",
    "edit_subtask": "sub-task: the kind of edit",
    "src_image": "source picture, cropped and resized",
    "edit_image": "edited picture",
    "prompt_en": "instruction in English, restated by the verifier",
    "prompt_cn": "instruction in Chinese, restated by the verifier",
    "instruction_en": "original instruction in English: what the editor was asked for",
    "instruction_cn": "original instruction in Chinese",
    "reasoning_points": "what must be reasoned out, for reasoning sub-tasks",
    "editor": "who edited",
    "editor_revision": "revision of the editor",
    "seed": "the edit's random seed",
    "verifier": "who verified",
    "is_changed": "the verdict: a valid edit took place",
    "source_caption": "the verifier's caption of the source",
    "edit_caption": "the verifier's caption of the edit",
    "differences": "the visual differences it found",
    "quality": "technical quality of the source, 0 to 10",
    "aesthetic": "aesthetic score of the source; null where none was taken",
    "unsafe": "probability that the source is unsafe; null where none was taken",
    "verifier_score": "what the verifier's threshold decided on: SSIM's similarity, or the trained verifier's log p(changed) - log p(unchanged); else null",
    "image_width": "width of the source picture, pixels",
    "image_height": "height of the source picture, pixels",
    "source": "name of the source in its library",
    "origin": "where the source comes from",
    "licence": "licence of the source, as its library gives it",
    "shard": "shard of the pipeline",
}


@dataclass(frozen=True, slots=True)
class Made:
    """How the dataset was made: the settings that the card speaks of."""

    card: CardSettings
    prefilter: PrefilterSettings
    instruct: InstructSettings
    edit: EditSettings
    verify: VerifySettings
    library: str  # its kind: "world" or "files"
    trained_on: str | None = None  # where the samples are from that the run's own verifier was trained on, as samples.source has it

    def simulated(self) -> list[str]:
        """A sentence for each part that a simulation played; empty when all was real."""
        said = []
        if self.library == "world":
            said.append("The source pictures are a simulated world: real photographs with drawn objects composed in.")
        if self.instruct.engine == "simulated":
            said.append("The instructions were written by a simulated writer, not by a model.")
        names = [plain(editor.name) for editor in self.edit.editors if editor.engine == "simulated"]
        if names:
            said.append(
                f"Edits by {', '.join(names)} were rendered by a simulated editor that fails at known rates, not by an editing model."
            )
        if self.verify.engine == "simulated":
            said.append(
                "The verdicts and restated instructions come from a simulated verifier that knows the truth and errs at known rates."
            )
        if self.trained_on == "world":
            said.append("The verifier, which restates instructions, was trained in the same run on samples of the simulated world.")
        return said

    def scored(self) -> list[str]:
        """What was scored and what was not, a line each."""
        aesthetic, safety = self.prefilter.aesthetic, self.prefilter.safety
        return [
            f"Technical quality of the sources (sharpness, contrast, exposure): `quality`, at least {self.prefilter.min_quality:g} of 10.",
            f"Aesthetics of the sources: `aesthetic`, by {plain(aesthetic.predictor)}, at least {aesthetic.min_score:g}."
            if aesthetic
            else "Aesthetics of the sources: **not scored**. No aesthetic predictor was configured; technical quality is not aesthetics.",
            f"Safety of the sources: `unsafe`, by {plain(safety.model)}, at most {safety.max_probability:g}."
            if safety
            else "Safety of the sources: **not scored**. No classifier was configured.",
            "Quality of the edited pictures: **not scored** apart from the verdict.",
            f"Whether a valid edit took place: by the verifier `{self.verify.engine}`"
            + (
                f", SSIM below {self.verify.ssim.threshold:g}."
                if self.verify.engine == "ssim"
                else ", trained in the same run."
                if self.trained_on
                else "."
            ),
        ]


def front_matter(made: Made, rows: int, size: int, files: str = "data/*.parquet") -> str:
    """The card's YAML block: ``rows`` of the dataset, ``size`` of its ``files`` in bytes."""
    values = {
        "license": made.card.licence,
        "pretty_name": made.card.title,
        "language": ["en", "zh"],
        "task_categories": ["image-to-image"],
        "tags": ["image-editing", "instruction-based-editing", *(["simulated"] if made.simulated() else [])],
        "size_categories": [next((name for name, limit in _SIZES if rows < limit), "100M<n<1B")],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": files}]}],
        "dataset_info": {
            "features": [_feature(field) for field in DATASET],
            "splits": [{"name": "train", "num_bytes": size, "num_examples": rows}],
            "download_size": size,
            "dataset_size": size,
        },
    }
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)


def _feature(field: pa.Field) -> dict[str, Any]:
    if pa.types.is_struct(field.type):
        return {"name": field.name, "dtype": "image"}
    if pa.types.is_list(field.type):
        return {"name": field.name, "sequence": "string"}  # as every release of `datasets` reads it
    return {"name": field.name, "dtype": {"double": "float64", "float": "float32"}.get(str(field.type), str(field.type))}


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "n/a"


def _subtask_table(census: Census, taxonomy: Taxonomy, targets: Mapping[str, float]) -> str:
    counted = census.of("dataset", "subtask")
    total = sum(counted.values())
    instructed = census.of("instruct", "subtask", OK)
    names = [*taxonomy.names, *(name for name in counted if name not in taxonomy.task_of)]
    return table(
        ("sub-task", "task", "rows", "share", "target", "passed of instructions"),
        [
            (
                plain(name),
                plain(taxonomy.task_of.get(name, "")),
                f"{counted.get(name, 0):,}",
                _percent(counted.get(name, 0), total),
                _percent(targets.get(name, 0.0), 1),
                _percent(counted.get(name, 0), instructed.get(name, 0)),
            )
            for name in names
        ],
        left=2,
    )


def _funnel_table(census: Census) -> str:
    rows = []
    for stage in STAGES[:-1]:
        most = [f"{plain(reason or 'no reason given', 40)} {n:,}" for at, _, reason, n in census.reasons() if at == stage][:5]
        figures = [f"{census.total(stage, status):,}" for status in (None, OK, REJECTED, FAILED)]
        rows.append((stage, ", ".join(most), *figures))
    return table(("stage", "most frequent reasons", "rows", "passed", "rejected", "failed"), rows, left=2)


def _editor_table(census: Census) -> str:
    made, kept = census.of("edit", "editor"), census.of("dataset", "editor")
    rows = [(plain(name), f"{n:,}", f"{kept.get(name, 0):,}", _percent(kept.get(name, 0), n)) for name, n in made.items()]
    return table(("editor", "instructions", "accepted edits", "share accepted"), rows)


def _licence_table(census: Census) -> str:
    ordered = sorted(census.licences.items(), key=lambda one: (-one[1], one[0]))
    rows = [
        (plain(licence) or "not given", plain(origin, 400) or "not given", f"{n:,}") for (licence, origin), n in ordered[:MOST_LICENCES]
    ]
    rest = ordered[MOST_LICENCES:]
    if rest:
        rows.append((f"{len(rest):,} more pairs", "", f"{sum(n for _, n in rest):,}"))
    return table(("licence", "origin", "rows"), rows, left=2)


def sections(made: Made, census: Census, taxonomy: Taxonomy, targets: Mapping[str, float]) -> dict[str, Any]:
    """What was counted and configured, as the templates of the cards name it. Every text from outside is escaped."""
    counted = census.of("dataset", "subtask")
    return {
        "title": plain(made.card.title, 200),
        "rows": f"{census.total('dataset'):,}",
        "subtasks_filled": sum(counted.get(name, 0) > 0 for name in taxonomy.names),
        "subtasks_known": len(taxonomy.names),
        "simulated": made.simulated(),
        "restated": made.verify.engine != "ssim",
        "subtask_table": _subtask_table(census, taxonomy, targets),
        "funnel_table": _funnel_table(census),
        "editor_table": _editor_table(census),
        "scored": made.scored(),
        "column_table": table(("column", "meaning"), [(f"`{name}`", COLUMNS[name]) for name in DATASET.names], left=2),
        "licence_table": _licence_table(census),
    }


def readme(made: Made, census: Census, taxonomy: Taxonomy, targets: Mapping[str, float], size: int) -> str:
    """The text of README.md. ``size`` is that of the dataset's files, in bytes."""
    block = front_matter(made, census.total("dataset"), size)
    text = render(Path(__file__).with_name("card.jinja"), front_matter=block, **sections(made, census, taxonomy, targets))
    return text.rstrip("\n") + "\n"

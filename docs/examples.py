"""Draw docs/examples.jpg: edits of finished runs beside their sources, with what was asked and what the verifier said.

    python docs/examples.py results-photos results

Takes, from each results folder, the first edit of each wanted outcome and sub-task, chosen by their keys.
"""

import io
import sys
import textwrap
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "workflow" / "scripts"))

from PIL import Image  # noqa: E402

from unicedit.figure import FAINT, INK, STATUS_COLOURS, figure, shown  # noqa: E402
from unicedit.lookup import Lookup, rows  # noqa: E402

# sub-task and outcome, one cell each: from the first folder, then from the second
WANTED = (
    (("Text Modification", "kept"), ("Background Change", "kept"), ("Implicit Change Edits", "kept"), ("Tone Transformation", "rejected")),
    (("Color Alteration", "kept"), ("Subject Removal", "kept"), ("Counting Change", "restated"), ("Motion Change", "rejected")),
)
COLUMNS = 2


def edits(results: Path) -> list[dict[str, Any]]:
    """Edits with a verdict and their instructions, without pictures, in the order of their keys, which is as good as random."""
    found = []
    for verify in sorted((results / "verify").glob("*.parquet")):
        asked = {row["key"]: row for row in rows(results / "instruct" / verify.name, ["key", "subtask", "instruction_en"], "ok")}
        made = {row["key"]: row for row in rows(results / "edit" / verify.name, ["key", "instruction", "image"], "ok")}
        for verdict in rows(verify, ["key", "status", "prompt_en"]):
            edit = made[verdict["key"]]
            instruction = asked[edit["instruction"]]
            passed = "kept" if verdict["prompt_en"] == instruction["instruction_en"] else "restated"
            outcome = passed if verdict["status"] == "ok" else verdict["status"]
            found.append({**instruction, **edit, "prompt_en": verdict["prompt_en"], "outcome": outcome, "shard": verify.name})
    return sorted(found, key=lambda one: one["key"])


def chosen(results: Path, wanted: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    """The first edit of each wanted sub-task and outcome, with its pictures, each of another source picture."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in edits(results):
        place = (one["subtask"], one["outcome"])
        if place in wanted and place not in found and one["image"] not in {other["image"] for other in found.values()}:
            found[place] = one
    for one in found.values():
        for stage, key, column in (("ingest", "image", "image"), ("edit", "key", "edit_image")):
            one[stage] = Lookup(results / stage / one["shard"], "key").get([one[key]], [column])[0][column]
    return [found[place] for place in wanted if place in found]


def main(folders: list[Path]) -> None:
    cells = [one for folder, wanted in zip(folders, WANTED, strict=False) for one in chosen(folder, wanted)]
    drawn = figure(12, 3.4 * -(-len(cells) // COLUMNS))
    grid = drawn.subplots(-(-len(cells) // COLUMNS), 2 * COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for number, one in enumerate(cells):
        before, after = grid[number // COLUMNS][2 * (number % COLUMNS) : 2 * (number % COLUMNS) + 2]
        for axes, name in ((before, "ingest"), (after, "edit")):
            axes.imshow(Image.open(io.BytesIO(one[name])).convert("RGB"))
        verdict = {"kept": "kept", "restated": f"kept, restated: “{one['prompt_en']}”", "rejected": "rejected: no valid edit took place"}[
            one["outcome"]
        ]
        colour = STATUS_COLOURS["rejected" if one["outcome"] == "rejected" else "ok"]
        before.set_title(
            one["subtask"] + "\n" + textwrap.fill(shown(f"“{one['instruction_en']}”", 90), 42), loc="left", fontsize=9, color=INK
        )
        after.set_title(textwrap.fill(shown(verdict, 110), 42), loc="left", fontsize=9, color=colour)
    drawn.supxlabel(
        "Real photographs, in the lower half with composed objects; edits rendered by simulated editors. Verdicts: above by the simulated verifier, below by the trained one",
        fontsize=8,
        color=FAINT,
    )
    drawn.savefig(HERE / "examples.jpg", dpi=100, facecolor="white", pil_kwargs={"quality": 85})


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or [Path("results-photos"), Path("results")])

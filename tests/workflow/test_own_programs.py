"""Editors and judges of one's own through the workflow, as docs/own-editor.md and docs/own-judge.md have them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from checkout import REPOSITORY, Checkout
from unicedit.config.model import parse

pytestmark = pytest.mark.workflow

PAGES = {"own-editor": ("my_editor.py", "own-editor.yaml"), "own-judge": ("my_judge.py", "own-judge.yaml")}
SMALL = {"images: 240": "images: 12", "  per_subtask: 5": "  per_subtask: 1"}


def page(name: str) -> str:
    return (REPOSITORY / f"docs/{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_pages_show_the_files_as_they_are_and_settings_that_are_valid(name: str) -> None:
    text = page(name)
    for file, language in zip(PAGES[name], ("python", "yaml"), strict=True):
        assert f"```{language}\n{(REPOSITORY / 'examples' / file).read_text(encoding='utf-8')}```\n" in text, (
            f"docs/{name}.md shows another {file}"
        )
    for block in re.findall(r"```yaml\n(.*?)```", text, re.S):
        parse(yaml.safe_load(block))


def typed(run: Checkout, name: str) -> None:
    """Type what the page says."""
    (command,) = re.findall(r"```bash\n(.*?)```", page(name), re.S)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-euc", command], cwd=run.folder, capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def small(folder: Path, **more: str) -> Checkout:
    run = Checkout.fresh(folder)
    for old, new in {**SMALL, **more}.items():
        run.replace("config/config.yaml", old, new)
    return run


def rows_of(run: Checkout, name: str, stage: str) -> list[dict[str, Any]]:
    return [row for path in sorted(run.path(f"results-{name}/{stage}").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def computed(run: Checkout, name: str) -> dict[str, int]:
    """Rows that the last run computed, by stage and whose they are; told once."""
    found = {}
    for path in run.path(f"scratch-{name}/progress").glob("*/*.json"):
        if count := json.loads(path.read_text())["computed"]:
            found[f"{path.parent.name}/{path.stem}"] = count
        path.unlink()
    return found


def test_own_editor_and_what_a_change_of_it_makes_again(tmp_path: Path) -> None:
    run = small(tmp_path / "checkout")
    typed(run, "own-editor")
    edits = rows_of(run, "own-editor", "edit")
    mine = [row for row in edits if row["editor"] == "mine"]
    assert mine and len(mine) < len(edits) and {row["status"] for row in edits} == {"ok"}
    tones = {row["key"] for row in rows_of(run, "own-editor", "instruct") if row["subtask"] == "Tone Transformation"}
    toned = {row["key"] for row in mine if row["instruction"] in tones}
    assert toned and len(toned) < len(mine)
    verdicts = {row["key"]: row["status"] for row in rows_of(run, "own-editor", "verify")}
    assert {verdicts[key] for key in toned} == {"ok"} and "rejected" in {verdicts[row["key"]] for row in mine}, "it does nothing else"
    assert computed(run, "own-editor")["edit/00000"] == len(edits)
    typed(run, "own-editor")
    assert computed(run, "own-editor") == {}

    run.replace("examples/my_editor.py", '"black", tone', '"#202020", tone')
    typed(run, "own-editor")
    after = {row["key"]: row["edit_digest"] for row in rows_of(run, "own-editor", "edit")}
    changed = {row["key"] for row in edits if after[row["key"]] != row["edit_digest"]}
    assert toned <= changed and len(changed) < len(mine)
    assert computed(run, "own-editor") == {"edit/00000": len(mine), "verify/00000": len(changed)}, "what it gives again goes no further"
    assert [row for row in rows_of(run, "own-editor", "edit") if row["editor"] == "other"] == [
        row for row in edits if row["editor"] == "other"
    ]

    # a comment counts, unless the user says that it need not
    run.replace("examples/my_editor.py", "nothing is done, and", "nothing is done here, and")
    run.command("accept", "--stage", "edit", "--configfile", "examples/own-editor.yaml", "--why", "a comment")
    typed(run, "own-editor")
    assert computed(run, "own-editor") == {}

    run.replace("examples/my_editor.py", "class MyEditor", "class YourEditor")
    done = run.snakemake("-n", "--configfile", "examples/own-editor.yaml", "--", "dataset", check=False)
    line = "config: edit.editors.0.python.name = 'MyEditor': examples/my_editor.py has no class or function of that name; it has YourEditor"
    assert done.returncode != 0 and line in done.stderr.splitlines()


def test_own_judge_beside_the_truth_and_what_a_change_of_it_makes_again(tmp_path: Path) -> None:
    run = small(tmp_path / "checkout", **{"  languages:\n    - en\n    - cn\n": "  languages:\n    - en\n"})
    typed(run, "own-judge")
    scores = rows_of(run, "own-judge", "judge")
    own = [row for row in scores if row["judge"] == "mine"]
    assert len(own) == len(scores) / 2 and {row["status"] for row in scores} == {"ok"}
    assert all(0 <= row["score"] <= 10 and row["snapshot"].startswith("PixelJudge@") and row["prompt"] is None for row in own)
    table = run.path("results-own-judge/tables/table4.md").read_text()
    assert f"judge **mine** (a program of one's own, {own[0]['snapshot']}); no prompt" in table and "Agreement of the judges" in table
    assert "judge/mine@simulated-usual-en" in computed(run, "own-judge")

    run.replace(
        "examples/my_judge.py",
        'if metric == "VQ":',
        'if metric == "VQ" and "the" in instruction:\n            return 11, "wonderful"\n        if metric == "VQ":',
    )
    typed(run, "own-judge")
    assert set(computed(run, "own-judge")) == {f"judge/mine@simulated-{name}-en" for name in ("careful", "usual", "careless")}
    after = rows_of(run, "own-judge", "judge")
    failed = [row for row in after if row["status"] == "failed"]
    assert {(row["judge"], row["metric"], row["reason"]) for row in failed} == {
        ("mine", "VQ", "no_score: PixelJudge gave 11, and a score is from 0 to 10")
    }
    assert all(row["score"] is None for row in failed)
    table = run.path("results-own-judge/tables/table4.md").read_text()
    assert f"{22 - len(failed) // 3} of 22" in table, "coverage is exact"

    # the claim on VIEScore goes by the judges that can tell
    run.snakemake("--configfile", "examples/own-judge.yaml", "--", "nc_claim")
    claim = run.path("results-own-judge/tables/nc_claim.md").read_text()
    assert "measured" in claim and "mine" not in claim

    # an editor of one's own among the models
    block = re.findall(r"```yaml\n(benchmark:.*?)```", page("own-editor"), re.S)[0]
    run.path("both.yaml").write_text(block)
    run.snakemake("--configfile", "both.yaml", "--", "benchmark")
    rows = [row for path in run.path("results/judge").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert {(row["model"], row["judge"]) for row in rows} == {("mine", "pixels")} and "ok" in {row["status"] for row in rows}

"""What is in each stage's recipe, module by module: a change in any of these computes rows again, a change elsewhere does not."""

import pytest

from unicedit.recipe import PLUMBING, STAGE_ROOTS, recipe_modules
from unicedit.viescore.sets import MODULES, questions_of

WORLD = "unicedit.world"
LISTED = {
    "ingest": [
        *("ingest.crop", "ingest.decode", "ingest.hashes", "ingest.parquet_reader", "ingest.reader", "ingest.readers"),
        *("ingest.stage", "ingest.tar_reader", "ingest.tar_stream", "pictures"),
    ],
    "lookalikes": [
        *("duplicates", "lookalikes.find", "lookalikes.likeness", "lookalikes.schema", "lookalikes.stage"),
        *("lookalikes.windows", "pictures", "provenance", "sources"),
    ],
    "prefilter": ["pictures", "prefilter", "provenance", "scorers.port", "scorers.technical", "sources"],
    "instruct": [
        *("instruct.engine", "instruct.prompt", "instruct.reply", "instruct.stage", "instruct.writing"),
        *("provenance", "sources", "taxonomy", "vlm.ask", "vlm.port", "vlm.reply", "vlm.template"),
    ],
    "propose": [
        *("instruct.engine", "instruct.reply", "instruct.writing", "propose.schema", "propose.stage"),
        *("provenance", "sources", "taxonomy", "vlm.ask", "vlm.port", "vlm.reply", "vlm.template"),
    ],
    "edit": ["edit.port", "edit.stage", "pictures", "provenance", "sources"],
    "verify": ["provenance", "sources", "verify.decide", "verify.engines", "verify.port", "verify.stage"],
    "bench_edit": [
        *("benchmark.edit_stage", "benchmark.schema", "edit.port", "edit.stage"),
        *("pictures", "provenance", "scoring.schema", "sources"),
    ],
    "expect": [
        *("benchmark.schema", "judge.expect_stage", "judge.prompt", "judge.reply", "judge.rubric", "judge.schema"),
        *("provenance", "scoring.schema", "sources", "vlm.ask", "vlm.port", "vlm.reply", "vlm.template"),
    ],
    "judge": [
        *("benchmark.schema", "judge.engines", "judge.port", "judge.prompt", "judge.rubric", "judge.schema", "judge.stage"),
        *("provenance", "scoring.schema", "sources", "vlm.template"),
    ],
    "triplet_aesthetic": ["ingest.decode", "provenance", "sources", "triplets.aesthetic", "triplets.limits"],
    "viescore": [
        *("ingest.decode", "pictures", "provenance", "sources", "triplets.limits", "viescore.port", "viescore.schema"),
        *("viescore.sets", "viescore.stage", "vlm.ask", "vlm.port", "vlm.reply"),
    ],
}


@pytest.mark.parametrize("stage", sorted(STAGE_ROOTS))
def test_no_plumbing_is_in_a_recipe(stage: str) -> None:
    found = recipe_modules(stage)
    assert not [name for name in found if name.startswith(PLUMBING)]
    assert not [name for name in found if name.startswith(WORLD)], "no engine that was not chosen"


def test_recipes_hold_what_decides_a_value() -> None:
    listed = {stage: [name.removeprefix("unicedit.") for name in sorted(recipe_modules(stage))] for stage in STAGE_ROOTS}
    assert listed == LISTED


def test_world_is_in_a_recipe_only_through_the_engine_that_was_chosen() -> None:
    editor = recipe_modules("edit", ["unicedit.world.editor"])
    assert "unicedit.world.render" in editor
    assert "unicedit.world.verifier" not in editor
    assert "unicedit.world.editor" not in recipe_modules("ingest", ["unicedit.world.library"])


def test_an_embedding_is_in_the_recipe_of_look_alikes_only_where_it_is_configured() -> None:
    found = set(recipe_modules("lookalikes", ["unicedit.scorers.embedding"])) - set(recipe_modules("lookalikes"))
    assert found == {"unicedit.scorers.embedding", "unicedit.scorers.models"}


def test_a_set_of_questions_is_in_a_recipe_only_where_it_is_asked() -> None:
    vie, kris = (set(recipe_modules("viescore", [MODULES[name]])) for name in ("viescore", "kris"))
    assert {"unicedit.viescore.vie", "unicedit.viescore.prompt", "unicedit.scoring.viescore"} <= vie - kris
    assert {"unicedit.viescore.kris", "unicedit.scoring.kris", "unicedit.vlm.template"} <= kris
    assert {questions_of(name).__module__ for name in MODULES} == set(MODULES.values())

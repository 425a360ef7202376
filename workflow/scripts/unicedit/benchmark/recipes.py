"""Today's recipes of the benchmark's rows: which modules and settings decide their values (design section 5)."""

from typing import Any

from unicedit.benchmark.mapping import questions_named
from unicedit.config.benchmark import BenchmarkSettings
from unicedit.config.edit import EditorSettings, EditSettings
from unicedit.config.ingest import EncodingSettings
from unicedit.config.judge import JudgeSettings
from unicedit.program.find import program_decides
from unicedit.recipe import recipe_of
from unicedit.recipes import edit_recipes
from unicedit.viescore.recipe import viescore_recipe
from unicedit.vlm.engines import engine_modules, engine_settings


def bench_edit_recipe(model: EditorSettings, encoding: EncodingSettings) -> str:
    """The recipe of one model's edits: the editor's own, and how the samples are asked for."""
    plain = EditorSettings(**model.model_dump(include=set(EditorSettings.model_fields)))
    editor = edit_recipes(EditSettings(editors=(plain,), encoding=encoding))[model.name]
    return recipe_of("bench_edit", {"editor": editor})


def expect_recipe(judge: JudgeSettings) -> str:
    """The recipe of what a judge expects of right edits."""
    return recipe_of("expect", _asked(judge), engine_modules(judge))


def judge_recipe(judge: JudgeSettings, model: EditorSettings | None = None) -> str:
    """The recipe of one judge's scores; ``model`` for the engine `measured`, which knows how it is made."""
    if judge.engine == "python":
        assert judge.python is not None
        return recipe_of("judge", {"engine": "python", "python": program_decides(judge.python)}, ["unicedit.judge.python"])
    if judge.asks:
        return recipe_of(
            "judge",
            {**_asked(judge), "mode": judge.mode, "calls": judge.reasoning_calls},
            ["unicedit.judge.reader", *engine_modules(judge)],
        )
    assert model is not None
    return recipe_of("judge", {"engine": "measured", "model": model.simulated.model_dump(mode="json")}, ["unicedit.world.judge"])


def _asked(judge: JudgeSettings) -> dict[str, Any]:
    return {"engine": judge.engine, "attempts": judge.attempts, judge.engine: engine_settings(judge)}


def bench_recipes(stage: str, settings: BenchmarkSettings) -> dict[str, str]:
    """A stage's recipes by model (bench_edit), by judge (expect, bench_viescore), or by judge and model."""
    if stage == "bench_edit":
        return {model.name: bench_edit_recipe(model, settings.encoding) for model in settings.run_models}
    if stage == "expect":
        return {judge.name: expect_recipe(judge) for judge in settings.judges if judge.asks}
    if stage == "bench_viescore":
        return {judge.name: viescore_recipe(judge, questions_named(settings)) for judge in settings.judges if judge.asks}
    return {f"{judge.name}@{model.name}": judge_recipe(judge, model) for judge in settings.judges for model in settings.run_models}

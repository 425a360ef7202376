"""Today's recipe of VIEScore rows: which modules and settings decide their values (design section 5)."""

from unicedit.config.judge import JudgeSettings
from unicedit.recipe import recipe_of
from unicedit.vlm.engines import engine_modules, engine_settings


def viescore_recipe(judge: JudgeSettings) -> str:
    """The recipe of one judge's scores of triplets."""
    asked = {"engine": judge.engine, "attempts": judge.attempts, judge.engine: engine_settings(judge)}
    return recipe_of("viescore", asked, engine_modules(judge))

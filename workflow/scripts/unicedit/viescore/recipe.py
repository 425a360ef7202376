"""Today's recipe of VIEScore rows: which modules and settings decide their values (design section 5)."""

from unicedit.config.judge import JudgeSettings
from unicedit.recipe import recipe_of
from unicedit.viescore.sets import MODULES
from unicedit.vlm.engines import engine_modules, engine_settings


def viescore_recipe(judge: JudgeSettings, questions: str = "viescore") -> str:
    """The recipe of one judge's scores of triplets, by a set of questions."""
    asked = {"engine": judge.engine, "attempts": judge.attempts, judge.engine: engine_settings(judge)}
    return recipe_of("viescore", asked, [MODULES[questions], *engine_modules(judge)])

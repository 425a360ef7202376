"""Today's recipes of the stages with engines: which modules and settings decide their rows' values (design section 5).

What changes only which rows there are (shares, pass rates), how fast they come (batch sizes) or what is decided on them (thresholds) is
not in a recipe.
"""

from typing import TYPE_CHECKING, Any

from unicedit.config.contamination import ContaminationSettings
from unicedit.config.edit import EditSettings
from unicedit.config.ingest import IngestSettings
from unicedit.config.instruct import InstructSettings
from unicedit.config.prefilter import AestheticSettings, PrefilterSettings
from unicedit.config.python import PythonEditorSettings
from unicedit.config.verify import VerifySettings
from unicedit.edit.engines import editor_module
from unicedit.program.find import program_decides
from unicedit.recipe import recipe_of
from unicedit.vlm.engines import engine_modules, engine_settings

if TYPE_CHECKING:
    from unicedit.config.model import Config


def ingest_recipe(settings: IngestSettings, kind: str) -> str:
    """The recipe of library pictures of a kind (``world`` renders them). Thresholds decide on measured rows, so they are not in it."""
    chosen = settings.model_dump(mode="json", include={"size_divisor", "max_file_mb", "max_megapixels", "encoding"})
    return recipe_of("ingest", chosen, ["unicedit.world.library"] if kind == "world" else [])


def lookalikes_recipe(settings: ContaminationSettings) -> str:
    """The recipe of look-alikes. What they are looked for among is in the rows' inputs."""
    chosen = settings.model_dump(mode="json", include={"max_distance", "min_likeness"})
    if settings.embedding is None:
        return recipe_of("lookalikes", chosen)
    chosen["embedding"] = settings.embedding.model_dump(mode="json", exclude={"device"})
    return recipe_of("lookalikes", chosen, ["unicedit.scorers.embedding"])


def prefilter_recipe(settings: PrefilterSettings) -> str:
    """The recipe of scores. Thresholds decide on measured rows, so they are not in it."""
    engines = ["unicedit.scorers.aesthetic"] if settings.aesthetic else []
    engines += ["unicedit.scorers.safety"] if settings.safety else []
    chosen = {
        "aesthetic": settings.aesthetic and settings.aesthetic.model_dump(mode="json", exclude={"min_score", "device"}),
        "safety": settings.safety and settings.safety.model_dump(mode="json", exclude={"max_probability", "device"}),
    }
    return recipe_of("prefilter", chosen, engines)


def instruct_recipe(settings: InstructSettings, stage: str = "instruct") -> str:
    """The recipe of instructions, and of proposals, which are asked the same way. What a picture is asked for is among its rows' inputs."""
    chosen: dict[str, Any] = {"engine": settings.engine, "attempts": settings.attempts}
    if settings.engine == "simulated":
        return recipe_of(stage, {**chosen, "simulated": settings.simulated.model_dump(mode="json")}, ["unicedit.world.instructor"])
    return recipe_of(stage, {**chosen, settings.engine: engine_settings(settings)}, engine_modules(settings))


def edit_recipes(settings: EditSettings) -> dict[str, str]:
    """The recipe of each editor's edits, by its name."""
    encoding = settings.encoding.model_dump(mode="json")
    return {
        editor.name: recipe_of(
            "edit",
            {
                "engine": editor.engine,
                "revision": editor.revision,
                editor.engine: program_decides(own) if isinstance(own := editor.own, PythonEditorSettings) else editor.deciding(),
                "encoding": encoding,
            },
            [editor_module(editor)],
        )
        for editor in settings.editors
    }


def verify_recipe(settings: VerifySettings, editors: EditSettings) -> str:
    """The recipe of verdicts, or of scores where a threshold decides."""
    if settings.engine == "ssim":
        return recipe_of("verify", {"engine": "ssim"}, ["unicedit.verify.ssim"])
    if settings.engine == "transformers":
        # the weights are in the rows' inputs
        decides = settings.transformers.model_dump(mode="json", include={"max_new_tokens", "dtype", "blind_weight"})
        return recipe_of("verify", {"engine": "transformers", "attempts": settings.attempts, **decides}, ["unicedit.verify.trained"])
    chosen: dict[str, Any] = {"engine": settings.engine, "attempts": settings.attempts}
    if settings.engine != "simulated":
        return recipe_of(
            "verify", {**chosen, settings.engine: engine_settings(settings)}, ["unicedit.verify.reader", *engine_modules(settings)]
        )
    chosen |= {
        "simulated": settings.simulated.model_dump(mode="json"),
        # it knows what each editor did from how the editor is made
        "editors": {editor.name: editor.simulated.model_dump(mode="json") for editor in editors.editors},
    }
    return recipe_of("verify", chosen, ["unicedit.verify.reader", "unicedit.world.verifier"])


def triplet_aesthetic_recipe(settings: AestheticSettings) -> str:
    """The recipe of aesthetic scores of triplets."""
    chosen = settings.model_dump(mode="json", exclude={"min_score", "device"})
    return recipe_of("triplet_aesthetic", chosen, ["unicedit.scorers.aesthetic"])


def todays_recipes(stage: str, config: "Config") -> dict[str, str]:
    """A stage's recipes under a configuration: by editor for edit, by model and judge for the benchmark's, by judge for VIEScore, under "" for the others."""
    from unicedit.benchmark.plan import UNIT_STAGES

    if stage in UNIT_STAGES:
        from unicedit.benchmark.recipes import bench_recipes

        return bench_recipes(stage, config.benchmark)
    if stage == "viescore":
        from unicedit.viescore.recipe import viescore_recipe

        return {judge.name: viescore_recipe(judge) for judge in config.table2.judges}
    if stage == "triplet_aesthetic":
        return {"": triplet_aesthetic_recipe(config.table2.aesthetic)} if config.table2.aesthetic else {}
    if stage == "edit":
        return edit_recipes(config.edit)
    kind = "world" if config.library.kind == "world" else "files"
    made = {
        "ingest": lambda: ingest_recipe(config.ingest, kind),
        "lookalikes": lambda: lookalikes_recipe(config.contamination),
        "prefilter": lambda: prefilter_recipe(config.prefilter),
        "instruct": lambda: instruct_recipe(config.instruct),
        "propose": lambda: instruct_recipe(config.instruct, "propose"),
        "verify": lambda: verify_recipe(config.verify, config.edit),
    }
    return {"": made[stage]()}

"""The experiments of Table 5 as a workflow sees them: which trainings and evaluations there are, what each reads, and where it lies.

Nothing heavy is imported here: every Slurm job parses the Snakefile again.
"""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unicedit.digest import code_digest
from unicedit.evaluation.rows import CHOOSING, MAIN, READINGS, ROWS, UNTRAINED
from unicedit.evaluation.variants import TRIAL, VARIANTS, training_settings

_Wildcards = Any
_MAIN_VARIANTS = ("sft", "d2po")  # trained by the run itself
# of the table's settings, those that decide what is measured
_MEASURED = ("max_new_tokens", "batch_size")


class Grid:
    """``results`` is the results folder, ``config`` the whole configuration; ``seal_of`` gives the sidecar of the run's own training of a stage (sft, d2po)."""

    def __init__(self, results: str, config: Any, seal_of: Callable[[str], str]) -> None:
        self.results = results
        self.config = config
        self.table = config.table5
        self.main = {stage: (f"{results}/verifier/{stage}/model", seal_of(stage)) for stage in _MAIN_VARIANTS}
        self.runs = f"{results}/verifier/runs"
        self.runs_quoted = shlex.quote(self.runs)
        self.folder = f"{self.runs}/{{variant}}/{{run}}"
        self.seeds = [str(seed) for seed in range(self.table.seeds)]
        # decides no value, so it is no param; braces are doubled for Snakemake, which formats them away
        launch = shlex.quote(config.launch.model_dump_json()).replace("{", "{{").replace("}", "}}")
        self.carried = f"--scratch {shlex.quote(config.paths.scratch)} --launch {launch}"
        self.tuned = len(self.table.rate_factors) > 1
        values = {name: getattr(config, name).model_dump(mode="json") for name in ("verifier", "sft", "d2po", "table5")}
        self.values = values

    # what the wildcards may be
    variant = "|".join([*VARIANTS, *UNTRAINED])
    trained = "|".join(VARIANTS)
    run = rf"\d+|{TRIAL}\d+|{MAIN}"
    training = rf"\d+|{TRIAL}\d+"
    reading = "|".join(READINGS)
    split = "validation|test"

    def seal(self, variant: str, run: str, reading: str, split: str) -> str:
        """The sidecar of an evaluation."""
        return f"{self.runs}/{variant}/{run}/{reading}-{split}.json"

    def evaluation(self, variant: str, run: str, reading: str, split: str) -> str:
        """The table of an evaluation."""
        return self.seal(variant, run, reading, split).removesuffix(".json") + ".parquet"

    def evaluations(self, table: str, kind: str) -> list[str]:
        """All evaluations that a table (``table5``, ``table5_full``, ``table5_search``) reads: their tables (``kind`` is ``table``) or sidecars (``seal``)."""
        path = self.evaluation if kind == "table" else self.seal
        names = [name for name in self.table.rows_of(table) if name != "larger" or self.table.larger]
        found = []
        for name in names:
            row = ROWS[name]
            own = ["0"] if row.variant in UNTRAINED else [MAIN] if table == "table5" else self.seeds
            found += [path(row.variant, one, row.reading, "test") for one in own]
        return found

    def trials(self, kind: str) -> list[str]:
        """The evaluations of a variant's trials on the validation split, with the wildcard ``variant``."""
        path = self.evaluation if kind == "table" else self.seal
        return [path("{variant}", f"{TRIAL}{number}", "informed", "validation") for number in range(len(self.table.rate_factors))]

    # of a training
    def data(self, wildcards: _Wildcards) -> str:
        """The table that a variant is trained on."""
        return self._data(VARIANTS[wildcards.variant].data)

    def data_seal(self, wildcards: _Wildcards) -> str:
        """Its sidecar."""
        return self._data_seal(VARIANTS[wildcards.variant].data)

    def _data(self, name: str) -> str:
        return f"{self.runs}/both.parquet" if name == "both" else f"{self.results}/verifier/data/{name}.parquet"

    def _data_seal(self, name: str) -> str:
        return f"{self.runs}/both.json" if name == "both" else f"{self.results}/verifier/sidecars/{name}.json"

    def parent(self, wildcards: _Wildcards) -> list[str]:
        """The model that a training starts from; nothing for the base."""
        return self._parent(wildcards)[:1]

    def parent_seal(self, wildcards: _Wildcards) -> list[str]:
        """Its sidecar."""
        return self._parent(wildcards)[1:]

    def base_below(self, wildcards: _Wildcards) -> list[str]:
        """The base's weights, for a training that starts from it."""
        return [] if self.parent(wildcards) else self.base()

    def _parent(self, wildcards: _Wildcards) -> list[str]:
        name = VARIANTS[wildcards.variant].parent
        return [] if name is None else [*self._model(name, "0" if wildcards.run.startswith(TRIAL) else wildcards.run)]

    def base(self) -> list[str]:
        """The base model's weights, where it is a folder on this machine."""
        folder = Path(self.config.verifier.base)
        return [str(path) for path in sorted(folder.glob("*.safetensors"))] if folder.is_dir() else []

    def chosen(self, wildcards: _Wildcards) -> list[str]:
        """The file with a variant's learning rate; nothing for a trial, and where there is nothing to choose."""
        name = VARIANTS[wildcards.variant].rate_of or wildcards.variant
        return [f"{self.runs}/{name}/chosen.json"] if self.tuned and not wildcards.run.startswith(TRIAL) else []

    def from_parent(self, wildcards: _Wildcards) -> str:
        """A param: the arguments that say which model a training starts from."""
        return "".join(f"--base {shlex.quote(model)}" for model in self.parent(wildcards))

    def at_rate(self, wildcards: _Wildcards) -> str:
        """A param: the arguments that say which learning rate was chosen."""
        return f"--chosen {shlex.quote(self.chosen(wildcards)[0])}" if self.chosen(wildcards) else ""

    def stage(self, wildcards: _Wildcards) -> str:
        """A param: the command that trains a variant."""
        return VARIANTS[wildcards.variant].stage

    def stage_code(self, wildcards: _Wildcards) -> str:
        """A param: the digest of that command's code."""
        return code_digest(VARIANTS[wildcards.variant].stage)

    def settings(self, wildcards: _Wildcards) -> str:
        """A param: a training's settings."""
        return json.dumps(training_settings(wildcards.variant, wildcards.run, self.values), sort_keys=True)

    # of an evaluation
    def model(self, wildcards: _Wildcards) -> list[str]:
        """The trained model that is evaluated; nothing for the others."""
        return [self._model(wildcards.variant, wildcards.run)[0]] if wildcards.variant in VARIANTS else []

    def model_seal(self, wildcards: _Wildcards) -> list[str]:
        """Its sidecar."""
        return [self._model(wildcards.variant, wildcards.run)[1]] if wildcards.variant in VARIANTS else []

    def base_read(self, wildcards: _Wildcards) -> list[str]:
        """The base's weights, where the base reads."""
        return self.base() if wildcards.variant == "base" or wildcards.reading == "joint" else []

    def _model(self, variant: str, run: str) -> tuple[str, str]:
        if run == MAIN:
            return self.main[variant]
        return f"{self.runs}/{variant}/{run}/model", f"{self.runs}/{variant}/{run}/model.json"

    def choosing(self, wildcards: _Wildcards) -> list[str]:
        """The evaluation on the validation split that a number is chosen on; nothing where none is."""
        if wildcards.split == "validation" or wildcards.reading not in CHOOSING:
            return []
        return [self.evaluation(wildcards.variant, wildcards.run, wildcards.reading, "validation")]

    def choosing_seal(self, wildcards: _Wildcards) -> list[str]:
        """Its sidecar."""
        return [path.removesuffix(".parquet") + ".json" for path in self.choosing(wildcards)]

    def evaluated(self, wildcards: _Wildcards) -> str:
        """A param: the arguments that say what is evaluated, and where a number was chosen."""
        variant, words = wildcards.variant, []
        if variant in VARIANTS:
            words += ["--model", self._model(variant, wildcards.run)[0]]
        elif variant == "larger":
            words += ["--model", str(self.table.larger)] + (
                ["--revision", self.table.larger_revision] if self.table.larger_revision else []
            )
        words += ["--validation", self.choosing(wildcards)[0]] if self.choosing(wildcards) else []
        return shlex.join(words)

    def evaluation_settings(self, wildcards: _Wildcards) -> str:
        """A param: what an evaluation reads of the settings. The model's own record says how it was trained."""
        table = {name: self.values["table5"][name] for name in _MEASURED}
        table["limit"] = self.table.limit_of(wildcards.reading)
        return json.dumps({"verifier": self.values["verifier"], "table5": table}, sort_keys=True)

    # of the run's own verifier
    def verifier_validation(self, kind: str) -> list[str]:
        """The evaluation on the validation split of the verifier that the run verifies with: its table or its sidecar; nothing where it is not trained here."""
        verify = self.config.verify
        if verify.engine != "transformers" or verify.transformers.model is not None:
            return []
        path = self.evaluation if kind == "table" else self.seal
        return [path("d2po", MAIN, "joint" if verify.transformers.blind_weight else "informed", "validation")]

    def verifier_argument(self, wildcards: _Wildcards) -> str:
        """A param: the argument that names it."""
        return "".join(f"--verifier-validation {shlex.quote(path)}" for path in self.verifier_validation("table"))

"""What the Snakefile asks: settings and code digests for params, shards for wildcards, paths for tables.

Nothing heavy is imported here: every Slurm job parses the Snakefile again.
"""

import atexit
import functools
import inspect
import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from unicedit.benchmark.plan import BenchPlan, check_groups, compared
from unicedit.check_files import check_files
from unicedit.config.model import Config, parse, read_file
from unicedit.config.paths import check_folders
from unicedit.digest import code_digest
from unicedit.files import digest_of
from unicedit.freshness import Freshness
from unicedit.index.index import Index
from unicedit.models.lock import locked
from unicedit.program.find import with_digests
from unicedit.reads import READS, knows_truth, trains_its_verifier
from unicedit.stages import GATHERS, ORDER, PART_STAGES, UNITS, gather_outputs, gather_seal, script_of, wildcard_of
from unicedit.training.parts import SECTIONS, part_names
from unicedit.triplets.plan import TRIPLET_STAGES, Table2Plan

_Wildcards = Any
_SHOWING = {  # options with which Snakemake shows something and runs nothing
    *("--lint", "--list", "--list-rules", "-l", "--list-target-rules", "--lt", "--dag", "--rulegraph", "--filegraph", "--d3dag"),
    *("--summary", "-S", "--detailed-summary", "-D", "--list-changes", "--lc", "--list-untracked", "--lu", "--unlock"),
    *("--print-compilation", "--report"),
}


def run_with_this_interpreter() -> None:
    """Let `python` in commands be the interpreter that runs Snakemake, whatever environment is activated (conda's own wins where it is used)."""
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])


def plans_only(workflow: Any, command: Sequence[str]) -> bool:
    """Whether this Snakemake runs no job, but plans or shows (its own ``workflow.dryrun`` is not set before the Snakefile was read)."""
    asked = workflow.output_settings is not None and workflow.output_settings.dryrun
    return bool(asked) or not _SHOWING.isdisjoint(word.split("=")[0] for word in command)


def merged(files: Sequence[Path]) -> Config:
    """Merge and check configuration files, later ones winning key by key as Snakemake has it. Raises ``ConfigError``."""
    values: dict[str, Any] = {}
    for file in files:
        _merge(values, read_file(file))
    return parse(values)


def read_config(files: Sequence[Path]) -> Config:
    """The same with the lock file's commits in place of the revisions of hub models, and digests of the user's own programs, as jobs see it."""
    return with_digests(locked(merged(files)))


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _quoted(text: str) -> str:
    """Quoted for the shell, and for Snakemake, which formats what stands in braces."""
    return shlex.quote(text).replace("{", "{{").replace("}", "}}")


def _signed(function: Callable[[_Wildcards], str]) -> Callable[[_Wildcards], str]:
    """Remember a function's signature: Snakemake asks for it several times a job, and working it out takes longer than the call."""
    function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return function


class Pipeline:
    """The configured pipeline. Raises ``ConfigError`` for a configuration that cannot be used."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.config = with_digests(locked(parse(values)))
        self.warnings: list[str] = []
        self.results = self.config.paths.results
        self.scratch = self.config.paths.scratch
        self.truth = knows_truth(self.config)
        self.bench = BenchPlan(self.config)
        self.table2 = Table2Plan(self.config)
        self._settings = functools.cache(self._settings_text)
        self.index: Index | None = None

    def _settings_text(self, stage: str) -> str:
        return json.dumps(READS[stage](self.config), sort_keys=True, ensure_ascii=False)

    def settings_of(self, stage: str) -> Callable[[_Wildcards], str]:
        """A param: the settings a stage reads, as JSON text (a function, for a plain string with braces is taken for wildcards)."""

        def settings(wildcards: _Wildcards) -> str:
            return self._settings(stage)

        return _signed(settings)

    def unit_settings_of(self, stage: str) -> Callable[[_Wildcards], str]:
        """A param: the settings that one unit's table reads."""

        def settings(wildcards: _Wildcards) -> str:
            return self._unit_settings(stage, wildcards.unit)

        return _signed(settings)

    def _unit_settings(self, stage: str, unit: str) -> str:
        return json.dumps(self._plan_of(stage).settings_of(stage, unit), sort_keys=True, ensure_ascii=False)

    def _plan_of(self, stage: str) -> BenchPlan | Table2Plan:
        return self.table2 if stage in TRIPLET_STAGES else self.bench

    def mapping_of(self, wildcards: _Wildcards) -> str:
        """An input: how a dataset's files hold its triplets."""
        return self.table2.dataset_of(wildcards.unit).mapping

    def root_of(self, wildcards: _Wildcards) -> str:
        """A param: the folder that a dataset was fetched into."""
        return self.table2.dataset_of(wildcards.unit).root

    def triplets_of(self, suffix: str) -> Callable[[_Wildcards], str]:
        """An input: the sample (or its sidecar, by suffix) that a table of scores is about."""

        def triplets(wildcards: _Wildcards) -> str:
            return f"{self.results}/triplets/{self.table2.dataset_of(wildcards.unit).name}.{suffix}"

        return _signed(triplets)

    def bench_edits(self, wildcards: _Wildcards) -> str:
        """An input: the edits that a judge's table is about."""
        return self.table("bench_edit").replace("{unit}", self.bench.edits_of(wildcards.unit))

    def bench_edit_seals(self, wildcards: _Wildcards) -> str:
        """An input: their sidecar."""
        return self.seal("bench_edit").replace("{unit}", self.bench.edits_of(wildcards.unit))

    def expected(self, wildcards: _Wildcards) -> list[str]:
        """An input: what the judge expects of right edits; none for one that does not ask for it beforehand."""
        return [self.table("expect").replace("{unit}", unit) for unit in self.bench.expected_of(wildcards.unit)]

    def expected_seals(self, wildcards: _Wildcards) -> list[str]:
        """An input: its sidecar."""
        return [self.seal("expect").replace("{unit}", unit) for unit in self.bench.expected_of(wildcards.unit)]

    def sought(self) -> list[str]:
        """An input: the configured benchmark's records, where there is one to look for."""
        return self.gather_outputs("records") if self.config.benchmark.source != "none" else []

    def sought_seals(self) -> list[str]:
        """An input: their sidecar."""
        return [self.gather_seal("records")] if self.sought() else []

    def excluded(self, wildcards: _Wildcards) -> list[str]:
        """An input: what of a shard looks like pictures of benchmarks, where prefilter rejects that."""
        return [self.table("lookalikes").replace("{shard}", wildcards.shard)] if self.config.prefilter.exclude else []

    def excluded_seals(self, wildcards: _Wildcards) -> list[str]:
        """An input: its sidecar."""
        return [self.seal("lookalikes").replace("{shard}", wildcards.shard)] if self.config.prefilter.exclude else []

    def asked_for_proposals(self, _: _Wildcards) -> list[str]:
        """An input: what passed the prefilter. Raises ``PipelineError`` where no benchmark may have what is to be proposed, before anybody is asked."""
        from unicedit.propose.check import check_proposed

        check_proposed(self.config)
        return self.all_tables("prefilter")

    def used(self) -> list[str]:
        """An input: what was trained on, where proposals leave its pictures out."""
        return [table for table, _ in self._used()]

    def used_seals(self) -> list[str]:
        """An input: their sidecars."""
        return [seal for _, seal in self._used()]

    def _used(self) -> list[tuple[str, str]]:
        found = [(f"{self.results}/dataset/index.parquet", self.gather_seal("card"))] if "dataset" in self.config.propose.exclude else []
        if "verifier" in self.config.propose.exclude:
            folder = f"{self.results}/verifier"
            found += [(f"{folder}/data/{name}.parquet", f"{folder}/sidecars/{name}.json") for name in SECTIONS if name != "test"]
        return found

    def grouped(self, _: _Wildcards) -> list[str]:
        """An input: VIEScores of another benchmark's edits. Raises ``PipelineError`` where none is configured, before anything is edited."""
        check_groups(self.bench.groups_settings())
        return self.all_tables("bench_viescore")

    def compared(self, _: _Wildcards) -> list[str]:
        """An input: the judges' tables, where some can be compared with the truth. Raises ``PipelineError`` where none can, before any judge is asked."""
        compared(self.bench.compared_settings())
        return self.all_tables("judge")

    def cache_argument(self) -> str:
        """The argument that names the folder of downloads."""
        return f"--cache {_quoted(self.config.paths.cache)}"

    def code_of(self, script: str) -> Callable[[_Wildcards], str]:
        """A param: the digest of a command and of all project modules it imports."""

        def code(wildcards: _Wildcards) -> str:
            return code_digest(script)

        return _signed(code)

    def command(
        self,
        scripts: str,
        name: str,
        own: str = "",
        *,
        mapped: bool = False,
        gather: bool = False,
        results: bool = False,
        launched: bool = False,
        wildcard: str = "shard",
    ) -> str:
        """A rule's shell line: its command with the arguments of its ``own``, and those that all of its kind are given.

        ``mapped``: runs under the resumable map, whose settings stand here and not in params, for they decide no value. ``gather``: one job over all shards.
        ``results``: is told the results folder. ``launched``: a training, told where and how to run, which decides no value either.
        """
        parts = [f"python {_quoted(f'{scripts}/{name}.py')}", own]
        if not gather:
            parts.append(f"--shard {{wildcards.{wildcard}}} --table {{output.table:q}}")
        parts.append("--seal {output.seal:q} --code {params.code} --settings {params.settings:q}")
        if gather or results:
            parts.append(f"--results {_quoted(self.results)}")
        if mapped:
            parts.append(
                f"--scratch {_quoted(self.scratch)} --cache {_quoted(self.config.paths.cache)} --map {_quoted(self.config.map.model_dump_json())}"
            )
        if launched:
            parts.append(f"--scratch {_quoted(self.scratch)} --launch {_quoted(self.config.launch.model_dump_json())}")
        return " ".join([*filter(None, parts), "> {log:q} 2>&1"])

    def table(self, stage: str) -> str:
        """Path of a stage's sealed table, with the ``shard`` wildcard."""
        if stage == "assemble":
            return f"{self.results}/dataset/data/shard-{{shard}}.parquet"
        return f"{self.results}/{stage}/{{{wildcard_of(stage)}}}.parquet"

    def seal(self, stage: str) -> str:
        """Path of the sidecar of a stage's table, with the ``shard`` wildcard."""
        if stage == "assemble":
            return f"{self.results}/dataset/sidecars/shard-{{shard}}.json"
        return f"{self.results}/{stage}/{{{wildcard_of(stage)}}}.json"

    def log(self, rule: str, wildcard: str = "") -> str:
        """Path of a rule's log."""
        return f"{self.results}/logs/{rule}/{{{wildcard}}}.log" if wildcard else f"{self.results}/logs/{rule}.log"

    def benchmark(self, rule: str, wildcard: str = "") -> str:
        """Path of a rule's benchmark record."""
        return f"{self.results}/benchmarks/{rule}/{{{wildcard}}}.tsv" if wildcard else f"{self.results}/benchmarks/{rule}.tsv"

    def all_seals(self, stage: str) -> list[str]:
        """Sidecars of a stage over all shards."""
        return self._over(stage, self.seal(stage))

    def all_tables(self, stage: str) -> list[str]:
        """Tables of a stage over all shards."""
        return self._over(stage, self.table(stage))

    def tables_of(self, *stages: str) -> list[str]:
        """Tables of several stages over all shards."""
        return [table for stage in stages for table in self.all_tables(stage)]

    def seals_of(self, *stages: str) -> list[str]:
        """Sidecars of several stages over all shards. Whoever reads a table names its sidecar: where the table is gone, ``settle`` hides it."""
        return [seal for stage in stages for seal in self.all_seals(stage)]

    def _over(self, stage: str, pattern: str) -> list[str]:
        names = self._names(stage)
        return [pattern.replace(f"{{{wildcard_of(stage)}}}", name) for name in names]

    def _names(self, stage: str) -> list[str]:
        if stage in UNITS:
            return self._plan_of(stage).units(stage)
        return self.parts if stage in PART_STAGES else self.shards

    @property
    def parts(self) -> list[str]:
        """Every part of the training samples, in order."""
        return part_names(self.config.samples, self.shards)

    def sample_tables(self, wildcards: _Wildcards) -> list[str]:
        """An input: the tables that samples of a run are made from; none for samples of the simulated world."""
        return self._of_samples(wildcards, "parquet")

    def sample_seals(self, wildcards: _Wildcards) -> list[str]:
        """An input: the sidecars of those tables."""
        return self._of_samples(wildcards, "json")

    def _of_samples(self, wildcards: _Wildcards, suffix: str) -> list[str]:
        samples = self.config.samples
        if samples.source != "run":
            return []
        assert self.index is not None and samples.run.teacher is not None
        stages = [f"{self.results}/{stage}" for stage in ("ingest", "instruct", "edit")]
        generation = self.index.generation_of[wildcards.part]
        folders = [*stages, samples.run.teacher.rstrip("/")]
        return [*(f"{folder}/{wildcards.part}.{suffix}" for folder in folders), f"{self.results}/duplicates/{generation:04d}.{suffix}"]

    @property
    def trains_its_verifier(self) -> bool:
        """Whether the run verifies with the model that it trains."""
        return trains_its_verifier(self.config)

    def verifier_model(self) -> list[str]:
        """An input: the trained verifier's folder; none where another verifies."""
        return self.gather_outputs("d2po")[:1] if self.trains_its_verifier else []

    def verifier_seal(self) -> list[str]:
        """An input: its sidecar."""
        return [self.gather_seal("d2po")] if self.trains_its_verifier else []

    def verifier_arguments(self) -> str:
        """The arguments that name it, and its base."""
        return f"--model {{input.model:q}} --base {_quoted(self.config.verifier.base)}" if self.trains_its_verifier else ""

    @property
    def shards(self) -> list[str]:
        """Every shard of the library, in order."""
        assert self.index is not None, "open_library() comes first"
        return self.index.shards

    def duplicates_of(self, suffix: str) -> Callable[[_Wildcards], str]:
        """An input: the duplicates table (or sidecar, by suffix) of the generation that the shard was added with."""

        def duplicates(wildcards: _Wildcards) -> str:
            assert self.index is not None
            return f"{self.results}/duplicates/{self.index.generation_of[wildcards.shard]:04d}.{suffix}"

        return _signed(duplicates)

    def ingest_seals_of_generation(self, wildcards: _Wildcards) -> list[str]:
        """An input: the sidecars of the ingest tables of a generation's shards."""
        assert self.index is not None
        return [self.seal("ingest").replace("{shard}", shard) for shard in self.index.generations[int(wildcards.generation)]]

    def earlier_duplicates_seals(self, wildcards: _Wildcards) -> list[str]:
        """An input: the sidecars of the duplicates tables of all earlier generations."""
        return [f"{self.results}/duplicates/{number:04d}.json" for number in range(int(wildcards.generation))]

    def settle(self) -> None:
        """Tell Snakemake, through file times, which sealed files are fresh (``unicedit.freshness``), and hide sidecars of tables that are gone."""
        freshness = Freshness()
        atexit.register(freshness.unhide)
        generations = [f"{number:04d}" for number in range(len(self.index.generations))] if self.index else []
        for stage in ORDER:
            if stage in GATHERS:
                made = [[self.gather_seal(stage), *self.gather_outputs(stage), self.benchmark(stage)]]
            else:
                wildcard = wildcard_of(stage)
                patterns = [self.seal(stage), self.table(stage), self.benchmark(stage, wildcard)]
                names = generations if stage == "duplicates" else self._names(stage)
                folder, seal = os.path.split(patterns[0])
                there = set(os.listdir(folder)) if os.path.isdir(folder) else set()
                found = [name for name in names if seal.replace(f"{{{wildcard}}}", name) in there]
                made = [[pattern.replace(f"{{{wildcard}}}", name) for pattern in patterns] for name in found]
                if stage in UNITS:  # each has settings of its own
                    for name, files in zip(found, made, strict=True):
                        settings = digest_of(self._unit_settings(stage, name))
                        freshness.settle([tuple(map(Path, files))], code_digest(stage), settings)
                    continue
            freshness.settle((tuple(map(Path, files)) for files in made), *self.identity_of(stage))

    def gather_outputs(self, stage: str) -> list[str]:
        """What a gather stage makes beside its sidecar."""
        return gather_outputs(self.results, stage)

    def gather_seal(self, stage: str) -> str:
        """The sidecar of a gather stage."""
        return gather_seal(self.results, stage)

    def is_made(self, stage: str) -> bool:
        """Whether everything that a gather stage makes is there."""
        return all(map(os.path.exists, [self.gather_seal(stage), *self.gather_outputs(stage)]))

    def _recorded_digest(self, shard: str, source: str) -> str | None:
        """The digest of a library file that ingest recorded; read only for files that were touched."""
        path = Path(self.table("ingest").replace("{shard}", shard))
        if not path.exists():
            return None
        return _ingested(path, os.stat(path).st_mtime_ns).get(source)

    def open_library(self, *, scan: bool, dry: bool = False) -> None:
        """Read the index; in the head process, scan the library first and take what is new into it (in a dry run, only in memory)."""
        from unicedit.index.index import load, refresh

        folder = Path(self.results) / "index"
        if scan:
            check_folders(self.results, self.scratch)
            self.warnings = check_files(self.config, dry=dry)
            self._overlay = TemporaryDirectory(prefix="unicedit-plan-") if dry else None
            overlay = Path(self._overlay.name) if self._overlay else None
            self.index = refresh(self.config.library, self.config.world.images, folder, self._recorded_digest, overlay=overlay)
        else:
            self.index = load(folder)

    def manifest(self) -> str | Callable[[_Wildcards], str]:
        """An input: a shard's manifest in the index; in a dry run, the one that a real run would write there."""
        assert self.index is not None
        pattern, overlaid = f"{self.results}/index/{{shard}}.json", self.index.overlaid
        if not overlaid:
            return pattern

        def manifest(wildcards: _Wildcards) -> str:
            return str(overlaid.get(wildcards.shard) or pattern.replace("{shard}", wildcards.shard))

        return _signed(manifest)

    def identity_of(self, stage: str) -> tuple[str, str]:
        """Digest of code and of settings, as a stage's sidecars record them."""
        script = script_of(stage)
        return code_digest(script), digest_of(self._settings(script))


@functools.lru_cache(maxsize=4)
def _ingested(path: Path, _mtime: int) -> dict[str, str]:
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["source", "file_digest"])
    return dict(zip(table["source"].to_pylist(), table["file_digest"].to_pylist(), strict=True))

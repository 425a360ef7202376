"""The release of a run's dataset: a folder to publish, made beside its place and renamed when it is whole."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unicedit.card.census import take_census, target_shares
from unicedit.card.readme import Made
from unicedit.errors import PipelineError
from unicedit.files import digest_of, read_json, sha256_of_file, write_json, write_text
from unicedit.release.card import Facts, card
from unicedit.release.cost import costs
from unicedit.release.crate import write_crate
from unicedit.release.croissant import write_croissant
from unicedit.release.energy import Energy, Rated, estimate
from unicedit.release.mark import Term
from unicedit.release.marks import marking
from unicedit.release.parquet import write_file, write_index
from unicedit.release.plan import name_of, plan
from unicedit.release.provenance import StageMade, stages_made
from unicedit.release.webdataset import write_tar
from unicedit.taxonomy import Taxonomy

PLAN = "plan.json"
Say = Callable[[int, int], None]  # files written, files in all


@dataclass(frozen=True, slots=True)
class Release:
    """What a release is told. ``shard_bytes`` is the size wished of a file; ``terms`` the marks of edited pictures by editor, empty for none; ``repository``
    the name on the hub; ``date`` as YYYY-MM-DD; ``deduplicated`` whether duplicates of sources were left out. ``energy`` is what was measured, ``rated`` what an estimate takes,
    ``grid_grams`` the CO2 of a kilowatt-hour where the user knows it.
    """

    made: Made
    taxonomy: Taxonomy
    repository: str
    date: str
    configuration: str
    row_group_rows: int
    deduplicated: bool = True
    shard_bytes: int = 10**9
    webdataset: bool = False
    terms: Mapping[str, Term] = field(default_factory=dict)
    energy: Sequence[Energy] = ()
    rated: Rated | None = None
    grid_grams: float | None = None


def write_release(results: Path, shards: Sequence[str], out: Path, about: Release, say: Say = lambda *_: None) -> Path:
    """Write the release of the dataset in ``results`` to ``out``, which must not exist or be empty.

    A release that was killed goes on where it was, if dataset and wishes are the same; else it begins anew. Raises ``PipelineError`` where the run is not
    finished or a file of it is damaged, and where two rows have one key.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PipelineError(f"{out}: not empty; name a new folder, so that nothing old is published")
    stages = stages_made(results, shards)
    sealed = [results / "dataset" / "data" / f"shard-{shard}.parquet" for shard in shards]
    folder = _work_folder(
        out, [*stages[-1].code, stages[-1].tables, about.shard_bytes, about.webdataset, dict(about.terms), about.row_group_rows]
    )
    files, tars = _write_rows(results, sealed, folder, about, say)
    rows = write_index(files, folder / "index.parquet")
    if rows != stages[-1].status["ok"]:
        raise PipelineError(
            f"{rows} rows were written of {stages[-1].status['ok']} that the sidecars count; check the run: make verify-results"
        )
    for name in ("census.csv", "census.png"):
        shutil.copyfile(results / "dataset" / name, folder / name)
    versions = _versions(stages)
    _write_card(results, shards, files, tars, folder, about, versions)
    _describe(results, folder, files, tars, stages, about, versions)
    (folder / PLAN).unlink()
    if out.exists():
        out.rmdir()
    os.replace(folder, out)
    return out


def _work_folder(out: Path, identity: Sequence[object]) -> Path:
    """The folder beside ``out`` in which the release grows; emptied unless it holds the beginning of the same one."""
    folder = out.with_name(f".{out.name}.partial")
    wanted = {"release": digest_of(*identity)}
    if folder.exists() and not ((folder / PLAN).is_file() and read_json(folder / PLAN) == wanted):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / PLAN, wanted)
    return folder


def _write_rows(results: Path, sealed: Sequence[Path], folder: Path, about: Release, say: Say) -> tuple[list[Path], list[Path]]:
    """Write the Parquet files, and the tars where they are asked for; a file that is there is whole and stays."""
    planned = plan(sealed, about.shard_bytes)
    if not planned:
        raise PipelineError(f"{results / 'dataset'}: the dataset has no row; nothing to release")
    change = marking(about.terms) if about.terms else None
    count = len(planned)
    files = [folder / "data" / name_of(number, count, "parquet") for number in range(count)]
    tars = [folder / "webdataset" / name_of(number, count, "tar") for number in range(count if about.webdataset else 0)]
    checked: set[Path] = set()
    for number, groups in enumerate(planned):
        say(number, count)
        if not files[number].exists():
            for file in dict.fromkeys(group.file for group in groups):
                if file not in checked:
                    _check(results, file)
                    checked.add(file)
            write_file(groups, files[number], about.row_group_rows, change)
        if tars and not tars[number].exists():
            write_tar(files[number], tars[number])
    say(count, count)
    return files, tars


def _check(results: Path, file: Path) -> None:
    seal = read_json(results / "dataset" / "sidecars" / f"{file.stem}.json")
    if sha256_of_file(file) != seal["sha256"]:
        raise PipelineError(
            f"{file}: is not what its sidecar says; it is damaged, or a run is writing it: make verify-results, make dataset"
        )


def _versions(stages: Sequence[StageMade]) -> dict[str, str]:
    return dict(item for stage in stages for item in sorted(stage.versions.items()))


def _write_card(
    results: Path,
    shards: Sequence[str],
    files: Sequence[Path],
    tars: Sequence[Path],
    folder: Path,
    about: Release,
    versions: Mapping[str, str],
) -> None:
    census = take_census(results, shards)
    spent = costs(results)
    estimated = estimate(spent, about.rated) if about.rated else None
    targets = target_shares(about.taxonomy.names, about.made.instruct.shares)
    facts = Facts(
        repository=about.repository,
        size=sum(file.stat().st_size for file in files),
        files=len(files),
        webdataset=len(tars),
        terms=about.terms,
        deduplicated=about.deduplicated,
        configuration=about.configuration,
        versions=versions,
        costs=spent,
        energy=[*about.energy, *([estimated] if estimated else [])],
        grid_grams=about.grid_grams,
    )
    write_text(folder / "README.md", card(about.made, census, about.taxonomy, targets, facts))


def _describe(
    results: Path,
    folder: Path,
    files: Sequence[Path],
    tars: Sequence[Path],
    stages: Sequence[StageMade],
    about: Release,
    versions: Mapping[str, str],
) -> None:
    """Write the machine-readable descriptions, and last the checksums of all."""
    title = about.made.card.title
    description = " ".join(["Verified image edits with instructions in English and Chinese.", *about.made.simulated()])
    light = [folder / name for name in ("README.md", "index.parquet", "census.csv", "census.png")]
    digests = {str(file.relative_to(folder)): sha256_of_file(file) for file in [*files, *tars, *light]}
    known: dict[str, str] = {"name": title, "description": description, "licence": about.made.card.licence, "date": about.date}
    write_croissant(folder, files, digests, url=f"https://huggingface.co/datasets/{about.repository}", **known)
    digests["croissant.json"] = sha256_of_file(folder / "croissant.json")
    write_crate(
        folder,
        [folder / name for name in digests],
        digests,
        stages,
        configuration=about.configuration,
        library=sha256_of_file(results / "index" / "shards.json"),
        versions=versions,
        **known,
    )
    digests["ro-crate-metadata.json"] = sha256_of_file(folder / "ro-crate-metadata.json")
    write_text(folder / "SHA256SUMS", "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())))

"""Where a release comes from, as an RO-Crate 1.1 (https://www.researchobject.org/ro-crate/specification/1.1/): a chain of actions from library to files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unicedit.files import write_json
from unicedit.release.provenance import StageMade

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PIPELINE = "#pipeline"
_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".tar": "application/x-tar",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".png": "image/png",
    ".json": "application/ld+json",
}


def write_crate(
    folder: Path,
    files: Sequence[Path],
    digests: Mapping[str, str],
    stages: Sequence[StageMade],
    *,
    name: str,
    description: str,
    licence: str,
    date: str,
    configuration: str,
    library: str,
    versions: Mapping[str, str],
) -> None:
    """Write ``ro-crate-metadata.json`` over ``files`` with these SHA-256 by name. ``configuration`` is its digest, ``library`` the index's."""
    names = [str(file.relative_to(folder)) for file in files]
    data = [one for one in names if one.startswith(("data/", "webdataset/"))]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": name,
        "description": description,
        "datePublished": date,
        "license": {"@id": "#licence"},
        "hasPart": [{"@id": one} for one in names],
        "mentions": [{"@id": f"#{stage.stage}"} for stage in stages] + [{"@id": "#release"}],
    }
    graph: list[dict[str, Any]] = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        },
        root,
        {"@id": "#licence", "@type": "CreativeWork", "name": licence, "description": "Each row names the licence of its source."},
        {"@id": PIPELINE, "@type": "SoftwareApplication", "name": "UnicEdit pipeline", "softwareRequirements": _refs(versions)},
        *(
            {"@id": f"#{name}", "@type": "SoftwareApplication", "name": name, "softwareVersion": version}
            for name, version in sorted(versions.items())
        ),
        {"@id": "#configuration", "@type": "PropertyValue", "name": "digest of the configuration", "value": configuration},
        {"@id": "#library", "@type": "Dataset", "name": "index of the library", "identifier": library},
    ]
    before = "#library"
    for stage in stages:
        graph += _action(stage, before)
        before = f"#{stage.stage}-tables"
    graph.append(
        {
            "@id": "#release",
            "@type": "CreateAction",
            "name": "release",
            "instrument": {"@id": PIPELINE},
            "object": [{"@id": before}, {"@id": "#configuration"}],
            "result": [{"@id": one} for one in data],
        }
    )
    graph += [_file(file, one, digests[one]) for file, one in zip(files, names, strict=True)]
    write_json(folder / "ro-crate-metadata.json", {"@context": [CONTEXT, {"sha256": "https://schema.org/sha256"}], "@graph": graph})


def _refs(versions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"@id": f"#{name}"} for name in sorted(versions)]


def _action(stage: StageMade, before: str) -> list[dict[str, Any]]:
    counted = ", ".join(f"{number} {status}" for status, number in stage.status.items())
    return [
        {
            "@id": f"#{stage.stage}",
            "@type": "CreateAction",
            "name": stage.stage,
            "description": f"{stage.shards} shards; rows: {counted}",
            "instrument": {"@id": PIPELINE},
            "object": [{"@id": before}, {"@id": f"#{stage.stage}-settings"}, {"@id": f"#{stage.stage}-code"}],
            "result": {"@id": f"#{stage.stage}-tables"},
        },
        {"@id": f"#{stage.stage}-tables", "@type": "Dataset", "name": f"tables of {stage.stage}", "identifier": stage.tables},
        {
            "@id": f"#{stage.stage}-settings",
            "@type": "PropertyValue",
            "name": f"digests of the settings of {stage.stage}",
            "value": list(stage.settings),
        },
        {
            "@id": f"#{stage.stage}-code",
            "@type": "PropertyValue",
            "name": f"digests of the code of {stage.stage}",
            "value": list(stage.code),
        },
    ]


def _file(file: Path, name: str, digest: str) -> dict[str, Any]:
    return {
        "@id": name,
        "@type": "File",
        "name": file.name,
        "contentSize": str(file.stat().st_size),
        "encodingFormat": _TYPES[file.suffix],
        "sha256": digest,
    }

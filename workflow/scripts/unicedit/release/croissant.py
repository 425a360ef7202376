"""The dataset's description in Croissant (https://docs.mlcommons.org/croissant/docs/croissant-spec.html), made and checked by mlcroissant."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from unicedit.card.readme import COLUMNS
from unicedit.errors import PipelineError
from unicedit.files import write_text
from unicedit.schema import DATASET

FILES = "parquet-files"
RECORDS = "default"
SPECIFICATION = "http://mlcommons.org/croissant/1.0"


def write_croissant(
    folder: Path, files: Sequence[Path], digests: Mapping[str, str], *, name: str, description: str, licence: str, url: str, date: str
) -> None:
    """Write ``croissant.json`` into a release of these Parquet ``files`` with these SHA-256 by name. Raises ``PipelineError`` for a description that is not valid."""
    import mlcroissant as mlc

    objects = [
        mlc.FileObject(
            id=file.name,
            name=file.name,
            content_url=str(file.relative_to(folder)),
            content_size=f"{file.stat().st_size} B",
            encoding_formats=["application/x-parquet"],
            sha256=digests[str(file.relative_to(folder))],
        )
        for file in files
    ]
    together = mlc.FileSet(
        id=FILES, name=FILES, description="all rows", encoding_formats=["application/x-parquet"], includes=["data/train-*.parquet"]
    )
    try:
        metadata = mlc.Metadata(
            conforms_to=[SPECIFICATION],
            name=name,
            description=description,
            license=[licence],
            url=url,
            version="1.0.0",
            date_published=datetime.fromisoformat(date),
            cite_as="arXiv:2512.02790",
            in_language=["en", "zh"],
            distribution=[*objects, together],
            record_sets=[mlc.RecordSet(id=RECORDS, name=RECORDS, description="One row an edit.", fields=[_field(one) for one in DATASET])],
        )
        text = json.dumps(metadata.to_json(), indent=1, ensure_ascii=False, default=str)
        write_text(folder / "croissant.json", text + "\n")
        mlc.Dataset(jsonld=str(folder / "croissant.json"))
    except mlc.ValidationError as error:
        raise PipelineError(f"croissant.json: mlcroissant finds it invalid: {' '.join(str(error).split())}") from error


def _field(field: pa.Field) -> Any:
    import mlcroissant as mlc

    picture = pa.types.is_struct(field.type)
    source = mlc.Source(
        file_set=FILES, extract=mlc.Extract(column=field.name), transforms=[mlc.Transform(json_path="bytes")] if picture else []
    )
    return mlc.Field(
        id=f"{RECORDS}/{field.name}",
        name=field.name,
        description=COLUMNS[field.name],
        data_types=[_type(field.type)],
        source=source,
        repeated=pa.types.is_list(field.type) or None,
    )


def _type(kind: pa.DataType) -> Any:
    import mlcroissant as mlc

    if pa.types.is_struct(kind):
        return mlc.DataType.IMAGE_OBJECT
    if pa.types.is_boolean(kind):
        return mlc.DataType.BOOL
    if pa.types.is_integer(kind):
        return mlc.DataType.INTEGER
    return mlc.DataType.FLOAT if pa.types.is_floating(kind) else mlc.DataType.TEXT

"""Which mark each edited picture of the dataset gets."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from unicedit.config.edit import EditorSettings
from unicedit.errors import PipelineError
from unicedit.release.mark import Term, marked
from unicedit.release.rows import Change


def term_of(editors: Sequence[EditorSettings], asked: Term | None = None) -> dict[str, Term]:
    """The term for each editor's pictures: ``asked`` for all, or else that of an editing model (a photograph edited by generative AI), and for a simulated
    editor, in which no trained model had a part, that of an algorithm.
    """
    return {
        one.name: asked or ("algorithmicallyEnhanced" if one.engine == "simulated" else "compositeWithTrainedAlgorithmicMedia")
        for one in editors
    }


def marking(terms: Mapping[str, Term]) -> Change:
    """A change of tables that marks ``edit_image`` by the row's editor. Raises ``PipelineError`` naming the key of a picture that cannot be marked."""

    def change(table: pa.Table) -> pa.Table:
        at = table.schema.get_field_index("edit_image")
        light = table.select(["key", "editor"]).to_pylist()
        pictures = [_marked(row, picture, terms) for row, picture in zip(light, table["edit_image"].to_pylist(), strict=True)]
        return table.set_column(at, table.schema.field(at), pa.array(pictures, table.schema.field(at).type))

    return change


def _marked(row: Mapping[str, Any], picture: Mapping[str, Any], terms: Mapping[str, Term]) -> dict[str, Any]:
    if row["editor"] not in terms:
        raise PipelineError(f"{row['key']}: its editor {row['editor']!r} is not in the configuration; name the term for all: --mark TERM")
    try:
        return {**picture, "bytes": marked(picture["bytes"], terms[row["editor"]])}
    except (ValueError, IndexError) as error:
        raise PipelineError(f"{row['key']}: its edited picture cannot be marked: {error}") from error

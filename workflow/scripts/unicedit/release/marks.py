"""Which mark each edited picture of the dataset gets."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from unicedit.config.edit import EditorSettings
from unicedit.errors import PipelineError
from unicedit.release.mark import TERMS, Term, marked
from unicedit.release.rows import Change

# by engine; of `images` and `python` nobody but the user knows what made the picture
_BY_ENGINE: dict[str, Term] = {
    "simulated": "composite",  # drawn and filtered by programs: other content than before, and no trained model
    **dict.fromkeys(("diffusers", "openai", "gemini", "ark"), "compositeWithTrainedAlgorithmicMedia"),
}


def term_of(editors: Sequence[EditorSettings], asked: Sequence[str] = ()) -> dict[str, Term]:
    """The term for each editor's pictures. ``asked`` are ``TERM`` for all and ``EDITOR=TERM`` for one; otherwise the engine decides: IPTC's "edited using
    generative AI" for editing models, and its "composite of elements" for simulated editors, in which no trained model has a part.

    Raises ``PipelineError`` for an unknown term or editor, and for an editor whose engine does not tell and that is not named.
    """
    own: dict[str, Term] = {}
    names = {one.name for one in editors}
    for word in asked:
        editor, _, term = word.rpartition("=")
        if term not in TERMS or editor not in {*names, ""}:
            raise PipelineError(
                f"--mark {word}: give TERM or EDITOR=TERM, of the terms {', '.join(TERMS)} and the editors {', '.join(sorted(names))}"
            )
        own[editor] = term
    found = {one.name: own.get(one.name) or own.get("") or _BY_ENGINE.get(one.engine) for one in editors}
    if unknown := [name for name, term in found.items() if term is None]:
        raise PipelineError(
            f"--mark: only you know whether a trained model made the pictures of {', '.join(unknown)}; say it: --mark {unknown[0]}=TERM, one of {', '.join(TERMS)}"
        )
    return {name: term for name, term in found.items() if term is not None}


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
    except ValueError as error:
        raise PipelineError(
            f"{row['key']}: its edited picture cannot be marked: it {error}; release without --mark, or make that row again"
        ) from error

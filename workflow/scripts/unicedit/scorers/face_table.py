"""Face similarity over many pairs: a table, and what it says in one line."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path

from unicedit.errors import PipelineError
from unicedit.files import appearing_whole
from unicedit.parquet import writer
from unicedit.scorers.faces import FaceReader, FaceScorer, summary
from unicedit.scorers.pairs import Columns, pairs_in, schema_of, scored, table_of

GROUP = 1000  # rows


def write_face_table(paths: Sequence[Path], out: Path, columns: Columns, reader: FaceReader) -> str:
    """Write a row a pair to ``out``, whole or not at all; returns the summary. Raises ``PipelineError`` where there is no pair."""
    scorer = FaceScorer(reader)
    schema = schema_of(scorer)
    rows = scored(chain.from_iterable(pairs_in(path, columns) for path in paths), scorer)
    states: Counter[str] = Counter()
    similarities: list[float] = []
    distances: list[float] = []
    with appearing_whole(out) as temporary, writer(temporary, schema) as file:
        while group := list(islice(rows, GROUP)):
            file.write_table(table_of(group, schema), row_group_size=GROUP)
            states.update(row["face_state"] or "failed" for row in group)
            similarities += [row["face_similarity"] for row in group if row["face_similarity"] is not None]
            distances += [row["face_distance"] for row in group if row["face_distance"] is not None]
        if not states:
            raise PipelineError(f"{', '.join(map(str, paths))}: no pairs in it")
    return summary(states, similarities, distances, reader.same)

"""Pictures of benchmarks in the library: every hit as CSV, counts and the first hits as Markdown."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from unicedit.files import appearing_whole, write_text
from unicedit.lookalikes.find import EMBEDDING, HOW
from unicedit.lookup import rows
from unicedit.markdown import plain, table
from unicedit.schema import FAILED, OK
from unicedit.vlm.template import render

NAME = "contamination"
SHOWN = 30  # hits in the Markdown
COLUMNS = ("shard", "source", "key", "benchmark", "samples", "how", "distance", "likeness", "share", "cosine")
Hit = dict[str, Any]


def contamination(results: Path, references: Path, shards: Sequence[str], excluded: Sequence[str], simulated: bool) -> dict[str, int]:
    """Write ``contamination`` as csv and md into the tables of ``results``; returns the library's pictures by status: rejected are those that look like an excluded benchmark's.

    ``simulated``: the library is the simulated world's.
    """
    folder = results / "tables"
    listed = list(rows(references, ["benchmark", "embedder"]))
    known = Counter(row["benchmark"] for row in listed)
    embedded = any(row["embedder"] is not None for row in listed)
    hits: dict[str, list[Hit]] = {name: [] for name in known}
    looked: Counter[str] = Counter()
    rejected = set()
    with appearing_whole(folder / f"{NAME}.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(COLUMNS)
        for shard in shards:
            pictures: dict[str, str] = {}
            for row in _rows(results / "lookalikes" / f"{shard}.parquet"):
                pictures[row["source"]] = row["status"]
                if row["benchmark"] is None:
                    continue
                hit = {**row, "shard": shard}
                out.writerow([*(hit[name] for name in COLUMNS[:4]), " ".join(hit["samples"]), hit["how"], *_figures(hit)])
                hits[row["benchmark"]].append(hit)
                if row["benchmark"] in excluded:
                    rejected.add((shard, row["source"]))
            looked.update(pictures.values())
    write_text(folder / f"{NAME}.md", page(hits, known, looked, excluded, simulated, embedded))
    return {"ok": looked[OK] - len(rejected), "rejected": len(rejected), "failed": looked[FAILED]}


def _rows(path: Path) -> Iterator[Hit]:
    return rows(path, [*COLUMNS[1:], "status"])


def _figures(hit: Hit) -> list[str]:
    """Bits apart, likeness, share, cosine; empty where they were not measured."""
    kinds = {"distance": "d", "likeness": ".3f", "share": ".2f", "cosine": ".3f"}
    return ["" if hit[name] is None else format(hit[name], kind) for name, kind in kinds.items()]


def page(
    hits: dict[str, list[Hit]], known: Counter[str], looked: Counter[str], excluded: Sequence[str], simulated: bool, embedded: bool
) -> str:
    """The table as Markdown; with cosines where pictures are ``embedded``."""
    all_how = (*HOW, EMBEDDING) if embedded else HOW
    lines = []
    for name, own in hits.items():
        hows = Counter(hit["how"] for hit in own)
        ours = len({(hit["shard"], hit["source"]) for hit in own})
        theirs = len({tuple(hit["samples"]) for hit in own})
        found = (f"{ours:,}", f"{theirs:,} of {known[name]:,}", *(f"{hows[how]:,}" for how in all_how))
        lines.append((plain(name), *found, "rejected" if name in excluded else "kept"))
    head = ("benchmark", "pictures of the library", "pictures of the benchmark", *all_how, "in the dataset")
    first = [hit for own in hits.values() for hit in own][:SHOWN]
    listed = [
        (
            plain(f"{hit['shard']}/{hit['source']}"),
            plain(hit["benchmark"]),
            plain(" ".join(hit["samples"])),
            hit["how"],
            *_figures(hit)[: None if embedded else -1],
        )
        for hit in first
    ]
    columns = (
        "picture of the library",
        "benchmark",
        "samples",
        "how",
        "bits apart",
        "likeness",
        "share",
        *(("cosine",) if embedded else ()),
    )
    total = sum(map(len, hits.values()))
    return (
        render(
            Path(__file__).with_name("contamination.jinja"),
            summary=table(head, lines),
            hits=table(columns, listed, left=4),
            shown=len(first),
            total=f"{total:,}",
            looked=f"{looked[OK]:,}",
            failed=f"{looked[FAILED]:,}",
            simulated=simulated,
            embedded=embedded,
        )
        + "\n"
    )

"""Whether rows can be read and are complete, and whether keys tell them apart."""

from collections.abc import Mapping

from unicedit.audit.facts import PICTURES
from unicedit.audit.finding import Faults, Finding, finding, not_checked
from unicedit.audit.store import Facts
from unicedit.audit.wishes import Wishes
from unicedit.repeats import Repeats


def schema(facts: Facts, files: Mapping[str, str]) -> Finding:
    """Files that are not as the mapping says, with the reason; then rows that cannot be read or lack a key or label they should have."""
    faults = Faults(f"{name}: {why}" for name, why in files.items())
    wanted = [name for name, there in (("key", facts.keyed), ("subtask", facts.labelled)) if there]
    other = 0
    for name, row in facts.rows("fault", "subtask"):
        lacking = [column for column in wanted if not row[column]]
        if (row["fault"] or "").startswith("not_a_triplet"):
            other += 1
        elif row["fault"] is not None:
            faults.append(f"{name}: {row['fault']}")
        elif lacking:
            faults.append(f"{row['place']}: no {' and no '.join(lacking)}")
    rows = len(faults) - len(files)
    said = (
        f"{len(files):,} files and {rows:,} rows are not as the mapping says" if len(faults) else "files and rows are as the mapping says"
    )
    said += f"; {other:,} rows are no triplets by design and are left out" if other else ""
    return finding("schema", faults, facts.total + len(files), said, what="files and rows", broken_files=len(files), broken_rows=rows)


def keys(facts: Facts, wishes: Wishes) -> Finding:
    """Keys that several rows have."""
    if not facts.keyed:
        return not_checked("duplicate keys", "the mapping names no column of keys")
    repeats = Repeats()
    repeats.add(row["key"] for _, row in facts.rows() if row["key"])
    twice = repeats.counted(row["key"] for _, row in facts.rows() if row["key"])
    extra = sum(twice.values()) - len(twice)
    return finding(
        "duplicate keys",
        Faults(twice),
        facts.total,
        f"{extra:,} rows have a key that an earlier row has",
        what="keys",
        superfluous_rows=extra,
    )


def pictures(facts: Facts, wishes: Wishes) -> Finding:
    """Rows with a picture that cannot be decoded, by kind of fault."""
    faulty = Faults()
    kinds: dict[str, int] = {}
    for name, row in facts.readable(*(f"{which}_fault" for which in PICTURES)):
        found = [f"{which} {row[f'{which}_fault']}" for which in PICTURES if row[f"{which}_fault"]]
        if found:
            faulty.append(f"{name}: {'; '.join(found)}")
        for one in found:
            kind = one.split(":", 1)[0]
            kinds[kind] = kinds.get(kind, 0) + 1
    said = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items(), key=lambda one: -one[1]))
    return finding("unreadable pictures", faulty, facts.total, said or "every picture is decoded", kinds=kinds)

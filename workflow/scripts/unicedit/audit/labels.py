"""Sub-tasks: whether labels are of the taxonomy, and how evenly rows are spread over them."""

import re
from collections import Counter
from collections.abc import Iterable
from math import exp, log

from unicedit.audit.finding import Faults, Finding, finding, not_checked
from unicedit.audit.store import Facts
from unicedit.audit.wishes import Wishes
from unicedit.taxonomy import Taxonomy

MOST_WORDS = 6
MOST_CHARACTERS = 60
_PUNCTUATION = re.compile(r"[.,;:!?。，；：！？](\s|$)|[。，；！？]")
_NONE = "the mapping names no column of sub-tasks"


def normal(label: str) -> str:
    """A label as it is compared: ``Background_Change`` and ``background change`` are one."""
    return " ".join(re.split(r"[\s_-]+", label.strip().casefold()))


def is_sentence(label: str) -> bool:
    """Whether a label is a text rather than a name."""
    return len(label.split()) > MOST_WORDS or len(label) > MOST_CHARACTERS or bool(_PUNCTUATION.search(label.strip()))


def count(facts: Facts, taxonomy: Taxonomy | None) -> Counter[str]:
    """Rows by sub-task, spelled as the taxonomy has it where it knows the label; texts in a label's place are left out."""
    spelled = {normal(name): name for name in taxonomy.names} if taxonomy else {}
    found: Counter[str] = Counter()
    for _, row in facts.readable("subtask"):
        if (label := row["subtask"]) and not is_sentence(label):
            found[spelled.get(normal(label), label)] += 1
    return found


def known(facts: Facts, wishes: Wishes) -> list[Finding]:
    """Labels that are texts, labels that the taxonomy lacks, and sub-tasks under another task than the taxonomy's."""
    if not facts.labelled:
        return [not_checked("label set", _NONE)]
    task_of = {normal(name): normal(task) for name, task in wishes.taxonomy.task_of.items()} if wishes.taxonomy else {}
    sentences, unknown, misplaced = Faults(), Faults(), Faults()
    strange: Counter[str] = Counter()
    for name, row in facts.readable("task", "subtask"):
        label = row["subtask"]
        if not label:
            continue
        if is_sentence(label):
            sentences.append(f"{name}: {label[:80]}")
        elif task_of and normal(label) not in task_of:
            unknown.append(name)
            strange[label] += 1
        elif task_of and row["task"] and normal(row["task"]) != task_of[normal(label)]:
            misplaced.append(f"{name}: {label} under {row['task'][:40]}")
    first = finding("sentence as label", sentences, facts.total, f"{len(sentences):,} rows have a text where the sub-task should be")
    if not task_of:
        return [first, not_checked("label set", "no taxonomy was given")]
    said = f"{len(strange):,} labels are not in the taxonomy" + (
        ": " + ", ".join(label for label, _ in strange.most_common(10)) if strange else ""
    )
    return [
        first,
        finding("label set", unknown, facts.total, said, unknown_labels=len(strange)),
        finding(
            "task of sub-task", misplaced, facts.total, f"{len(misplaced):,} rows name another task than the taxonomy gives their sub-task"
        ),
    ]


def balance(facts: Facts, wishes: Wishes) -> list[Finding]:
    """Sub-tasks far rarer than the most frequent one, and those of the taxonomy that are not there."""
    if not facts.labelled:
        return [not_checked("balance", _NONE), not_checked("missing sub-tasks", _NONE)]
    counts = count(facts, wishes.taxonomy)
    if not counts:
        return [not_checked("balance", "no row has a label"), not_checked("missing sub-tasks", "no row has a label")]
    largest = max(counts.values())
    rare = [name for name, number in sorted(counts.items(), key=lambda one: one[1]) if number * wishes.limits.max_ratio < largest]
    effective, unequal = effective_number(counts.values()), gini(counts.values())
    said = (
        f"{len(counts)} sub-tasks count as {effective:.1f} equally frequent ones; Gini {unequal:.2f}; the most frequent has "
        f"{largest / min(counts.values()):,.1f} times the rows of the rarest"
    )
    spread = finding(
        "balance",
        Faults(f"{name}: {counts[name]:,} rows" for name in rare),
        len(counts),
        said,
        what="sub-tasks",
        effective_number=round(effective, 3),
        gini=round(unequal, 4),
        counts=dict(counts.most_common()),
    )
    if not wishes.taxonomy:
        return [spread, not_checked("missing sub-tasks", "no taxonomy was given")]
    missing = [name for name in wishes.taxonomy.names if not counts[name]]
    return [
        spread,
        finding(
            "missing sub-tasks",
            Faults(missing),
            len(wishes.taxonomy.names),
            f"{len(missing)} of the taxonomy's sub-tasks have no row",
            what="sub-tasks",
            names=missing,
        ),
    ]


def effective_number(counts: Iterable[int]) -> float:
    """The number of equally frequent labels of the same entropy: exp(-sum p log p)."""
    numbers = [number for number in counts if number]
    total = sum(numbers)
    return exp(-sum(number / total * log(number / total) for number in numbers))


def gini(counts: Iterable[int]) -> float:
    """Gini coefficient: 0 where all are equally frequent, towards 1 where one has all."""
    ordered = sorted(counts)
    weighted = sum((2 * place - len(ordered) - 1) * number for place, number in enumerate(ordered, 1))
    return weighted / (len(ordered) * sum(ordered))

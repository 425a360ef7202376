"""The audit of a dataset: facts of every row, then each check over them, then the report."""

from collections.abc import Mapping
from pathlib import Path

from unicedit.audit.contamination import contamination
from unicedit.audit.copies import copies
from unicedit.audit.dataset import Dataset
from unicedit.audit.finding import Finding
from unicedit.audit.gather import Say, gather
from unicedit.audit.instructions import instructions
from unicedit.audit.labels import balance, known
from unicedit.audit.report import write_report
from unicedit.audit.sizes import sizes
from unicedit.audit.store import Facts
from unicedit.audit.structure import keys, pictures, schema
from unicedit.audit.unchanged import unchanged
from unicedit.audit.wishes import Wishes
from unicedit.triplets.mapping import Mapping as Columns


def audit(
    root: Path, columns: Columns, out: Path, wishes: Wishes, *, workers: int = 1, verifier: str | None = None, say: Say = lambda *_: None
) -> list[Finding]:
    """Examine the dataset below ``root`` and write audit.json, audit.md and figures into ``out``; returns what each check found.

    The facts stay in ``out/facts``, so that another audit of the same files is quick. Raises ``PipelineError`` where the dataset has no file or the benchmark
    no picture; files and rows that cannot be read are findings.
    """
    facts, broken = gather(Dataset(root, columns), out / "facts", workers, verifier, say)
    findings = checked(facts, broken, wishes)
    write_report(out, root, columns, facts, findings, wishes.limits)
    return findings


def checked(facts: Facts, broken: Mapping[str, str], wishes: Wishes) -> list[Finding]:
    """Every check, in the order of the report."""
    return [
        schema(facts, broken),
        keys(facts, wishes),
        *known(facts, wishes),
        *balance(facts, wishes),
        pictures(facts, wishes),
        *sizes(facts, wishes),
        *copies(facts, wishes),
        *unchanged(facts, wishes),
        *instructions(facts, wishes),
        contamination(facts, wishes),
    ]

"""Edits that did nothing: by structural similarity, and by a trained verifier where one was asked."""

from unicedit.audit.finding import Faults, Finding, finding, not_checked
from unicedit.audit.store import Facts
from unicedit.audit.wishes import Wishes


def unchanged(facts: Facts, wishes: Wishes) -> list[Finding]:
    """Rows whose edit is as its source. SSIM overlooks small edits that mean something; the verifier's word is worth more."""
    similar, denied = Faults(), Faults()
    identical = compared = read = failed = 0
    for name, row in facts.readable("similarity", "source_pixels", "edit_pixels", "is_changed", "verifier_fault"):
        same = row["source_pixels"] is not None and row["source_pixels"] == row["edit_pixels"]
        if row["similarity"] is not None or same:
            compared += 1
            identical += same
            if same or row["similarity"] >= wishes.limits.max_similarity:
                similar.append(name)
        read += row["is_changed"] is not None
        failed += row["verifier_fault"] is not None
        if row["is_changed"] is False:
            denied.append(name)
    said = f"{_share(len(similar), compared)} of the edits have a similarity (SSIM) of at least {wishes.limits.max_similarity:g}; {identical:,} have the source's pixels"
    first = finding("no edit, by SSIM", similar, compared, said, identical=identical)
    if not wishes.verified:
        return [first, not_checked("no edit, by verifier", "no verifier was named (--verifier MODEL)")]
    said = f"{_share(len(denied), read)} of the edits show no valid change to the verifier; {failed:,} it could not read"
    return [first, finding("no edit, by verifier", denied, read, said, failed=failed)]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "none"

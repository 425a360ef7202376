"""What the report's contents are called."""

NAMES = {
    "record": "record of the run",
    "scores": "distribution of scores",
    "census": "census",
    "table2": "Table 2: quality of datasets",
    "table3": "Table 3: funnel",
    "table4": "Table 4: benchmark",
    "table4_subtasks": "Table 4: by sub-task",
    "table5": "Table 5: verifiers",
    "table5_slots": "Table 5: by part of the reply",
    "table5_full": "Table 5, full",
    "table5_full_slots": "Table 5, full: by part of the reply",
    "table5_search": "search around D2PO",
    "table5_search_slots": "search around D2PO: by part of the reply",
    "filter_truth": "failure filter against the truth",
    "filter_curve": "failure filter: precision and recall",
    "ssim_claim": "claim on SSIM",
    "nc_claim": "NC against VIEScore",
    "bench_groups": "another benchmark, by its groups",
    "contamination": "contamination by benchmarks",
    "proposals": "proposals for a benchmark",
    "judge_check": "judges against the truth",
    "sft": "SFT",
    "d2po": "D2PO",
}


def labels_of(name: str, form: str) -> dict[str, str]:
    """The labels of a table, picture or page: what it is, and in which form. One without a name here is called by its file's."""
    return {"what": NAMES.get(name, name.replace("_", " ")), "form": form}

import atexit
import gc

from snakemake.utils import min_version

min_version("9.8.0")


report: "workflow/report/workflow.rst"


configfile: "config/config.yaml"


# a large DAG is millions of small objects that all stay: collecting garbage among them again and again takes a sixth of the time, and once more at the end another sixth
gc.set_threshold(10_000_000, 20, 100)
atexit.register(gc.freeze)


include: "workflow/rules/common.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/duplicates.smk"
include: "workflow/rules/prefilter.smk"
include: "workflow/rules/references.smk"
include: "workflow/rules/lookalikes.smk"
include: "workflow/rules/contamination.smk"
include: "workflow/rules/instruct.smk"
include: "workflow/rules/propose.smk"
include: "workflow/rules/proposals.smk"
include: "workflow/rules/edit.smk"
include: "workflow/rules/truth.smk"
include: "workflow/rules/samples.smk"
include: "workflow/rules/training_data.smk"
include: "workflow/rules/sft.smk"
include: "workflow/rules/d2po.smk"
include: "workflow/rules/verify.smk"
include: "workflow/rules/assemble.smk"
include: "workflow/rules/card.smk"
include: "workflow/rules/gallery.smk"
include: "workflow/rules/table3.smk"
include: "workflow/rules/filter_truth.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/table5.smk"
include: "workflow/rules/filter_curve.smk"
include: "workflow/rules/ssim_claim.smk"
include: "workflow/rules/records.smk"
include: "workflow/rules/bench_edit.smk"
include: "workflow/rules/expect.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/table4.smk"
include: "workflow/rules/bench_export.smk"
include: "workflow/rules/bench_viescore.smk"
include: "workflow/rules/nc_claim.smk"
include: "workflow/rules/judge_check.smk"
include: "workflow/rules/bench_groups.smk"
include: "workflow/rules/triplets.smk"
include: "workflow/rules/viescore.smk"
include: "workflow/rules/triplet_aesthetic.smk"
include: "workflow/rules/table2.smk"
include: "workflow/rules/record.smk"


localrules:
    all,
    dataset,
    tables,
    verifier,
    benchmark,
    report,


onsuccess:
    report_after(log)


onerror:
    report_after(log)


rule all:
    default_target: True
    input:
        dataset_outputs(),
        table_outputs(),
    message:
        "Everything is made"


rule dataset:
    input:
        dataset_outputs(),
    message:
        "The dataset is made"


rule tables:
    input:
        table_outputs(),
    message:
        "The tables are made"


rule verifier:
    input:
        verifier_outputs(),
    message:
        "The verifier is trained and measured"


rule benchmark:
    input:
        benchmark_outputs(),
    message:
        "The models are benchmarked"


rule report:
    input:
        report_outputs(),
    message:
        "The pages of the report are made; `make report` puts them together"

# The failure filter against the truth of the simulated world.


rule filter_truth:
    input:
        verify_seals=pipeline.all_seals("verify"),
        truth=ancient(rules.truth.output.table),
        truth_seal=rules.truth.output.seal,
    output:
        csv=f"{RESULTS}/tables/filter_truth.csv",
        md=f"{RESULTS}/tables/filter_truth.md",
        png=report(
            f"{RESULTS}/tables/filter_truth.png",
            caption="../report/filter_truth.rst",
            category="Tables",
            labels=labels_of("filter_truth", "picture"),
        ),
        seal=pipeline.gather_seal("filter_truth"),
    log:
        pipeline.log("filter_truth"),
    benchmark:
        pipeline.benchmark("filter_truth")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        code=code_of("filter_truth"),
        settings=settings_of("filter_truth"),
    message:
        "Comparing the failure filter with the truth"
    shell:
        command("filter_truth", gather=True)

# The failure filter against the truth of the simulated world.


rule filter_truth:
    message:
        "Comparing the failure filter with the truth"
    input:
        verify_seals=pipeline.all_seals("verify"),
        truth=rules.truth.output.seal,
    output:
        csv=f"{RESULTS}/tables/filter_truth.csv",
        md=f"{RESULTS}/tables/filter_truth.md",
        png=f"{RESULTS}/tables/filter_truth.png",
        seal=pipeline.gather_seal("filter_truth"),
    params:
        code=code_of("filter_truth"),
        settings=settings_of("filter_truth"),
    log:
        pipeline.log("filter_truth"),
    benchmark:
        pipeline.benchmark("filter_truth")
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    conda:
        "../../envs/base.yaml"
    shell:
        "python {SCRIPTS}/filter_truth.py --results {RESULTS:q} --seal {output.seal} "
        "--code {params.code} --settings {params.settings:q} "
        "> {log} 2>&1"

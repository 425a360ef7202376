# Precision and recall of the failure filter against the truth of the simulated world: the run's verifier and SSIM.


rule filter_curve:
    input:
        verify_seals=pipeline.all_seals("verify"),
        tables=ancient(pipeline.tables_of("ingest", "edit", "verify")),
        truth=ancient(rules.truth.output.table),
        truth_seal=rules.truth.output.seal,
        ssim=ancient(grid.evaluation("ssim", "0", "ssim", "validation")),
        ssim_seal=grid.seal("ssim", "0", "ssim", "validation"),
        verifier=ancient(grid.verifier_validation("table")),
        verifier_seal=grid.verifier_validation("seal"),
    output:
        csv=f"{RESULTS}/tables/filter_curve.csv",
        md=f"{RESULTS}/tables/filter_curve.md",
        png=report(
            f"{RESULTS}/tables/filter_curve.png",
            caption="../report/filter_curve.rst",
            category="Tables",
            labels=labels_of("filter_curve", "picture"),
        ),
        seal=pipeline.gather_seal("filter_curve"),
    log:
        pipeline.log("filter_curve"),
    benchmark:
        pipeline.benchmark("filter_curve")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        code=code_of("filter_curve"),
        settings=settings_of("filter_curve"),
        verifier=grid.verifier_argument,
    message:
        "Drawing the failure filter's precision and recall"
    shell:
        command(
            "filter_curve",
            "--ssim-validation {input.ssim:q} {params.verifier}",
            gather=True,
        )

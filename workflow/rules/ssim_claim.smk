# The paper's claim on SSIM: its errors under flicker and by the size of the edit, beside the verifier's.


rule ssim_claim:
    input:
        data=ancient(f"{RESULTS}/verifier/data/test.parquet"),
        data_seal=f"{RESULTS}/verifier/sidecars/test.json",
        model=ancient(rules.d2po.output.model),
        model_seal=rules.d2po.output.seal,
        validation=ancient(grid.evaluation("ssim", "0", "ssim", "validation")),
        validation_seal=grid.seal("ssim", "0", "ssim", "validation"),
        verdicts=ancient(grid.evaluation("d2po", "main", "informed", "test")),
        verdicts_seal=grid.seal("d2po", "main", "informed", "test"),
    output:
        csv=f"{RESULTS}/tables/ssim_claim.csv",
        md=f"{RESULTS}/tables/ssim_claim.md",
        png=report(
            f"{RESULTS}/tables/ssim_claim.png",
            caption="../report/ssim_claim.rst",
            category="Tables",
            labels=labels_of("ssim_claim", "picture"),
        ),
        seal=pipeline.gather_seal("ssim_claim"),
    log:
        pipeline.log("ssim_claim"),
    benchmark:
        pipeline.benchmark("ssim_claim")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=6000,
        runtime=120,
    params:
        code=code_of("ssim_claim"),
        settings=settings_of("ssim_claim"),
    message:
        "Testing the claim on SSIM"
    shell:
        command(
            "ssim_claim",
            "--data {input.data:q} --model {input.model:q} --validation {input.validation:q} --verdicts {input.verdicts:q} "
            "--inputs {input.data_seal:q} {input.model_seal:q} {input.validation_seal:q} {input.verdicts_seal:q}",
            gather=True,
        )

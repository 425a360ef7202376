# The paper's claim on VIEScore: damage outside the target, detected by NC and by VIEScore, against the truth of the simulated world.


rule nc_claim:
    input:
        records=ancient(rules.records.output.table),
        records_seal=rules.records.output.seal,
        edits=ancient(pipeline.all_tables("bench_edit")),
        edits_seals=pipeline.all_seals("bench_edit"),
        judged=ancient(pipeline.all_tables("judge")),
        judged_seals=pipeline.all_seals("judge"),
        viescores=ancient(pipeline.all_tables("bench_viescore")),
        viescores_seals=pipeline.all_seals("bench_viescore"),
    output:
        csv=f"{RESULTS}/tables/nc_claim.csv",
        md=f"{RESULTS}/tables/nc_claim.md",
        png=report(
            f"{RESULTS}/tables/nc_claim.png",
            caption="../report/nc_claim.rst",
            category="Tables",
            labels=labels_of("nc_claim", "picture"),
        ),
        seal=pipeline.gather_seal("nc_claim"),
    log:
        pipeline.log("nc_claim"),
    benchmark:
        pipeline.benchmark("nc_claim")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("nc_claim"),
        settings=settings_of("nc_claim"),
    message:
        "Testing the claim on VIEScore"
    shell:
        command(
            "nc_claim",
            "--records {input.records:q} --edits {input.edits:q} --judged {input.judged:q} --viescores {input.viescores:q} "
            "--inputs {input.records_seal:q} {input.edits_seals:q} {input.judged_seals:q} {input.viescores_seals:q}",
            gather=True,
        )

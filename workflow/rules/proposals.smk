# Records of a benchmark of one's own, for people to review, from what was proposed.


rule proposals:
    input:
        ingest=ancient(pipeline.all_tables("ingest")),
        asked=ancient(rules.propose.output.table),
        asked_seal=rules.propose.output.seal,
    output:
        records=f"{RESULTS}/proposals/records.parquet",
        files=directory(f"{RESULTS}/proposals/benchmark"),
        every=f"{RESULTS}/proposals/proposals.parquet",
        csv=f"{RESULTS}/tables/proposals.csv",
        md=f"{RESULTS}/tables/proposals.md",
        seal=pipeline.gather_seal("proposals"),
    log:
        pipeline.log("proposals"),
    benchmark:
        pipeline.benchmark("proposals")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("proposals"),
        settings=settings_of("proposals"),
    message:
        "Making records of what was proposed"
    shell:
        command(
            "proposals",
            "--asked {input.asked:q} --inputs {input.asked_seal:q}",
            gather=True,
        )

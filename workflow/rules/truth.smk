# What every simulated edit really did. Only evaluation reads it.


rule truth:
    input:
        seals=pipeline.seals_of("ingest", "instruct", "edit"),
    output:
        table=f"{RESULTS}/truth/truth.parquet",
        seal=pipeline.gather_seal("truth"),
    log:
        pipeline.log("truth"),
    benchmark:
        pipeline.benchmark("truth")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        code=code_of("truth"),
        settings=settings_of("truth"),
    message:
        "Noting the truth of simulated edits"
    shell:
        command("truth", gather=True)

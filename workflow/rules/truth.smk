# What every simulated edit really did. Only evaluation reads it.


rule truth:
    message:
        "Noting the truth of simulated edits"
    input:
        edit_seals=pipeline.all_seals("edit"),
    output:
        table=f"{RESULTS}/truth/truth.parquet",
        seal=pipeline.gather_seal("truth"),
    params:
        code=code_of("truth"),
        settings=settings_of("truth"),
    log:
        pipeline.log("truth"),
    benchmark:
        pipeline.benchmark("truth")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    conda:
        "../../envs/base.yaml"
    shell:
        "python {SCRIPTS}/truth.py --results {RESULTS:q} --seal {output.seal} "
        "--code {params.code} --settings {params.settings:q} "
        "> {log} 2>&1"

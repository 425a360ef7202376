# Exact, near and mirrored duplicates within a generation of shards and against earlier ones.


rule duplicates:
    message:
        "Generation {wildcards.generation}: seeking duplicates"
    input:
        ingest_seals=pipeline.ingest_seals_of_generation,
        earlier_seals=pipeline.earlier_duplicates_seals,
    output:
        table=f"{RESULTS}/duplicates/{{generation}}.parquet",
        seal=f"{RESULTS}/duplicates/{{generation}}.json",
    params:
        code=code_of("duplicates"),
        settings=settings_of("duplicates"),
    log:
        pipeline.log("duplicates", "generation"),
    benchmark:
        pipeline.benchmark("duplicates", "generation")
    threads: 1
    resources:
        mem_mb=16000,
        runtime=240,
    conda:
        "../../envs/base.yaml"
    shell:
        "python {SCRIPTS}/duplicates.py --results {RESULTS:q} "
        "--shard {wildcards.generation} --table {output.table} --seal {output.seal} "
        "--code {params.code} --settings {params.settings:q} "
        "> {log} 2>&1"

# Exact, near and mirrored duplicates within a generation of shards and against earlier ones.


rule duplicates:
    input:
        ingest_seals=pipeline.ingest_seals_of_generation,
        earlier_seals=pipeline.earlier_duplicates_seals,
    output:
        table=f"{RESULTS}/duplicates/{{generation}}.parquet",
        seal=f"{RESULTS}/duplicates/{{generation}}.json",
    log:
        pipeline.log("duplicates", "generation"),
    benchmark:
        pipeline.benchmark("duplicates", "generation")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=240,
    params:
        code=code_of("duplicates"),
        settings=settings_of("duplicates"),
    message:
        "Generation {wildcards.generation}: seeking duplicates"
    shell:
        command("duplicates", results=True, wildcard="generation")

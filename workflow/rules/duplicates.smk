# Exact, near and mirrored duplicates within a generation of shards and against earlier ones.


rule duplicates:
    input:
        ingest=ancient(pipeline.of_generation("table")),
        ingest_seals=pipeline.of_generation("seal"),
        earlier=ancient(pipeline.earlier_duplicates("parquet")),
        earlier_seals=pipeline.earlier_duplicates("json"),
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

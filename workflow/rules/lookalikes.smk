# Pictures of a shard that show what a benchmark's picture shows.


rule lookalikes:
    input:
        ingest=ancient(pipeline.table("ingest")),
        ingest_seal=pipeline.seal("ingest"),
        references=ancient(pipeline.gather_outputs("references")),
        references_seal=pipeline.gather_seal("references"),
    output:
        table=pipeline.table("lookalikes"),
        seal=pipeline.seal("lookalikes"),
    log:
        pipeline.log("lookalikes", "shard"),
    benchmark:
        pipeline.benchmark("lookalikes", "shard")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        code=code_of("lookalikes"),
        settings=settings_of("lookalikes"),
    message:
        "Shard {wildcards.shard}: looking for pictures of benchmarks"
    shell:
        command(
            "lookalikes",
            "--ingest {input.ingest:q} --references {input.references:q} --inputs {input.ingest_seal:q} {input.references_seal:q}",
            mapped=True,
        )

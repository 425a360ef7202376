# Scores of a shard's pictures (technical quality, aesthetics, safety) and which of them go on.


rule prefilter:
    input:
        ingest=ancient(pipeline.table("ingest")),
        ingest_seal=pipeline.seal("ingest"),
        duplicates=ancient(duplicates_of("parquet")),
        duplicates_seal=duplicates_of("json"),
        lookalikes=ancient(pipeline.excluded),
        lookalikes_seal=pipeline.excluded_seals,
    output:
        table=pipeline.table("prefilter"),
        seal=pipeline.seal("prefilter"),
    log:
        pipeline.log("prefilter", "shard"),
    benchmark:
        pipeline.benchmark("prefilter", "shard")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        code=code_of("prefilter"),
        settings=settings_of("prefilter"),
    message:
        "Shard {wildcards.shard}: scoring pictures"
    shell:
        command(
            "prefilter",
            "--ingest {input.ingest:q} --duplicates {input.duplicates:q} --lookalikes {input.lookalikes:q} "
            "--inputs {input.ingest_seal:q} {input.duplicates_seal:q} {input.lookalikes_seal:q}",
            mapped=True,
        )

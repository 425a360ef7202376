# Scores of a shard's pictures (technical quality, aesthetics, safety) and which of them go on.


rule prefilter:
    message:
        "Shard {wildcards.shard}: scoring pictures"
    input:
        ingest=ancient(pipeline.table("ingest")),
        ingest_seal=pipeline.seal("ingest"),
        duplicates=ancient(duplicates_of("parquet")),
        duplicates_seal=duplicates_of("json"),
    output:
        table=pipeline.table("prefilter"),
        seal=pipeline.seal("prefilter"),
    params:
        code=code_of("prefilter"),
        settings=settings_of("prefilter"),
    log:
        pipeline.log("prefilter", "shard"),
    benchmark:
        pipeline.benchmark("prefilter", "shard")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    conda:
        "../../envs/models.yaml"
    shell:
        "python {SCRIPTS}/prefilter.py --ingest {input.ingest} --duplicates {input.duplicates} "
        "--shard {wildcards.shard} --table {output.table} --seal {output.seal} --inputs {input.ingest_seal} {input.duplicates_seal} "
        "--code {params.code} --settings {params.settings:q} --scratch {SCRATCH:q} --map {MAP:q} "
        "> {log} 2>&1"

# Library pictures of a shard: decode, check, digest, hash, crop, resize, encode.


rule ingest:
    input:
        manifest=pipeline.manifest(),
    output:
        table=pipeline.table("ingest"),
        seal=pipeline.seal("ingest"),
    log:
        pipeline.log("ingest", "shard"),
    benchmark:
        pipeline.benchmark("ingest", "shard")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("ingest"),
        settings=settings_of("ingest"),
    message:
        "Shard {wildcards.shard}: reading pictures"
    shell:
        command(
            "ingest",
            "--manifest {input.manifest:q} --inputs {input.manifest:q}",
            mapped=True,
        )

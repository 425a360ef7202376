# Library pictures of a shard: decode, check, digest, hash, crop, resize, encode.


rule ingest:
    message:
        "Shard {wildcards.shard}: reading pictures"
    input:
        manifest=f"{RESULTS}/index/{{shard}}.json",
    output:
        table=pipeline.table("ingest"),
        seal=pipeline.seal("ingest"),
    params:
        code=code_of("ingest"),
        settings=settings_of("ingest"),
    log:
        pipeline.log("ingest", "shard"),
    benchmark:
        pipeline.benchmark("ingest", "shard")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    conda:
        "../../envs/base.yaml"
    shell:
        "python {SCRIPTS}/ingest.py --manifest {input.manifest} "
        "--shard {wildcards.shard} --table {output.table} --seal {output.seal} --inputs {input.manifest} "
        "--code {params.code} --settings {params.settings:q} --scratch {SCRATCH:q} --map {MAP:q} "
        "> {log} 2>&1"

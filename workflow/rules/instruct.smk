# Three to seven instructions a picture, English and Chinese, by a vision-language model.


rule instruct:
    message:
        "Shard {wildcards.shard}: writing instructions"
    input:
        ingest=ancient(pipeline.table("ingest")),
        prefilter=ancient(pipeline.table("prefilter")),
        prefilter_seal=pipeline.seal("prefilter"),
    output:
        table=pipeline.table("instruct"),
        seal=pipeline.seal("instruct"),
    params:
        code=code_of("instruct"),
        settings=settings_of("instruct"),
    log:
        pipeline.log("instruct", "shard"),
    benchmark:
        pipeline.benchmark("instruct", "shard")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    conda:
        "../../envs/models.yaml"
    shell:
        "python {SCRIPTS}/instruct.py --ingest {input.ingest} --prefilter {input.prefilter} "
        "--shard {wildcards.shard} --table {output.table} --seal {output.seal} --inputs {input.prefilter_seal} "
        "--code {params.code} --settings {params.settings:q} --scratch {SCRATCH:q} --map {MAP:q} "
        "> {log} 2>&1"

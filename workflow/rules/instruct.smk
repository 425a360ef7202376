# Three to seven instructions a picture, English and Chinese, by a vision-language model.


rule instruct:
    input:
        ingest=ancient(pipeline.table("ingest")),
        prefilter=ancient(pipeline.table("prefilter")),
        prefilter_seal=pipeline.seal("prefilter"),
    output:
        table=pipeline.table("instruct"),
        seal=pipeline.seal("instruct"),
    log:
        pipeline.log("instruct", "shard"),
    benchmark:
        pipeline.benchmark("instruct", "shard")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        code=code_of("instruct"),
        settings=settings_of("instruct"),
    message:
        "Shard {wildcards.shard}: writing instructions"
    shell:
        command(
            "instruct",
            "--ingest {input.ingest:q} --prefilter {input.prefilter:q} --inputs {input.prefilter_seal:q}",
            mapped=True,
        )

# Every instruction carried out by the editor it is assigned to.


rule edit:
    input:
        ingest=ancient(pipeline.table("ingest")),
        instruct=ancient(pipeline.table("instruct")),
        instruct_seal=pipeline.seal("instruct"),
    output:
        table=pipeline.table("edit"),
        seal=pipeline.seal("edit"),
    log:
        pipeline.log("edit", "shard"),
    benchmark:
        pipeline.benchmark("edit", "shard")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=480,
    params:
        code=code_of("edit"),
        settings=settings_of("edit"),
    message:
        "Shard {wildcards.shard}: editing pictures"
    shell:
        command(
            "edit",
            "--ingest {input.ingest:q} --instruct {input.instruct:q} --inputs {input.instruct_seal:q}",
            mapped=True,
        )

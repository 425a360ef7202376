# The accepted edits of a shard as one file of the dataset.


rule assemble:
    input:
        ingest_seal=pipeline.seal("ingest"),
        prefilter_seal=pipeline.seal("prefilter"),
        instruct_seal=pipeline.seal("instruct"),
        edit_seal=pipeline.seal("edit"),
        verify=ancient(pipeline.table("verify")),
        verify_seal=pipeline.seal("verify"),
    output:
        table=pipeline.table("assemble"),
        seal=pipeline.seal("assemble"),
    log:
        pipeline.log("assemble", "shard"),
    benchmark:
        pipeline.benchmark("assemble", "shard")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("assemble"),
        settings=settings_of("assemble"),
    message:
        "Shard {wildcards.shard}: assembling the dataset file"
    shell:
        command(
            "assemble",
            "--inputs {input.ingest_seal:q} {input.prefilter_seal:q} {input.instruct_seal:q} {input.edit_seal:q} {input.verify_seal:q}",
            results=True,
        )

# Did a valid edit take place, and what did it change?


rule verify:
    input:
        ingest=ancient(pipeline.table("ingest")),
        instruct=ancient(pipeline.table("instruct")),
        edit=ancient(pipeline.table("edit")),
        edit_seal=pipeline.seal("edit"),
        model=ancient(pipeline.verifier_model()),
        model_seal=pipeline.verifier_seal(),
    output:
        table=pipeline.table("verify"),
        seal=pipeline.seal("verify"),
    log:
        pipeline.log("verify", "shard"),
    benchmark:
        pipeline.benchmark("verify", "shard")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        code=code_of("verify"),
        settings=settings_of("verify"),
    message:
        "Shard {wildcards.shard}: verifying edits"
    shell:
        command(
            "verify",
            "--ingest {input.ingest:q} --instruct {input.instruct:q} --edit {input.edit:q} "
            f"--inputs {{input.edit_seal:q}} {{input.model_seal:q}} {pipeline.verifier_arguments()}",
            mapped=True,
        )

# Did a valid edit take place, and what did it change?


rule verify:
    message:
        "Shard {wildcards.shard}: verifying edits"
    input:
        ingest=ancient(pipeline.table("ingest")),
        instruct=ancient(pipeline.table("instruct")),
        edit=ancient(pipeline.table("edit")),
        edit_seal=pipeline.seal("edit"),
    output:
        table=pipeline.table("verify"),
        seal=pipeline.seal("verify"),
    params:
        code=code_of("verify"),
        settings=settings_of("verify"),
    log:
        pipeline.log("verify", "shard"),
    benchmark:
        pipeline.benchmark("verify", "shard")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    conda:
        "../../envs/models.yaml"
    shell:
        "python {SCRIPTS}/verify.py --ingest {input.ingest} --instruct {input.instruct} --edit {input.edit} "
        "--shard {wildcards.shard} --table {output.table} --seal {output.seal} --inputs {input.edit_seal} "
        "--code {params.code} --settings {params.settings:q} --scratch {SCRATCH:q} --map {MAP:q} "
        "> {log} 2>&1"

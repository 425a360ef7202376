# What every simulated edit really did. Only evaluation reads it.


rule truth:
    message:
        "Shard {wildcards.shard}: noting the truth of simulated edits"
    input:
        ingest=ancient(pipeline.table("ingest")),
        ingest_seal=pipeline.seal("ingest"),
        instruct=ancient(pipeline.table("instruct")),
        instruct_seal=pipeline.seal("instruct"),
        edit=ancient(pipeline.table("edit")),
        edit_seal=pipeline.seal("edit"),
    output:
        table=pipeline.table("truth"),
        seal=pipeline.seal("truth"),
    params:
        code=code_of("truth"),
        settings=settings_of("truth"),
    log:
        pipeline.log("truth", "shard"),
    benchmark:
        pipeline.benchmark("truth", "shard")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    conda:
        "../../envs/base.yaml"
    shell:
        "python {SCRIPTS}/truth.py --ingest {input.ingest} --instruct {input.instruct} --edit {input.edit} "
        "--shard {wildcards.shard} --table {output.table} --seal {output.seal} --inputs {input.ingest_seal} {input.instruct_seal} {input.edit_seal} "
        "--code {params.code} --settings {params.settings:q} "
        "> {log} 2>&1"

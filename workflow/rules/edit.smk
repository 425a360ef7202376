# Every instruction carried out by the editor it is assigned to.


rule edit:
    message:
        "Shard {wildcards.shard}: editing pictures"
    input:
        ingest=ancient(pipeline.table("ingest")),
        instruct=ancient(pipeline.table("instruct")),
        instruct_seal=pipeline.seal("instruct"),
    output:
        table=pipeline.table("edit"),
        seal=pipeline.seal("edit"),
    params:
        code=code_of("edit"),
        settings=settings_of("edit"),
    log:
        pipeline.log("edit", "shard"),
    benchmark:
        pipeline.benchmark("edit", "shard")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=480,
    conda:
        "../../envs/models.yaml"
    shell:
        "python {SCRIPTS}/edit.py --ingest {input.ingest} --instruct {input.instruct} "
        "--shard {wildcards.shard} --table {output.table} --seal {output.seal} --inputs {input.instruct_seal} "
        "--code {params.code} --settings {params.settings:q} --scratch {SCRATCH:q} --map {MAP:q} "
        "> {log} 2>&1"

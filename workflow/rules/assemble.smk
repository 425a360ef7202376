# The accepted edits of a shard as one file of the dataset.


rule assemble:
    message:
        "Shard {wildcards.shard}: assembling the dataset file"
    input:
        ingest=ancient(pipeline.table("ingest")),
        ingest_seal=pipeline.seal("ingest"),
        prefilter=ancient(pipeline.table("prefilter")),
        prefilter_seal=pipeline.seal("prefilter"),
        instruct=ancient(pipeline.table("instruct")),
        instruct_seal=pipeline.seal("instruct"),
        edit=ancient(pipeline.table("edit")),
        edit_seal=pipeline.seal("edit"),
        verify=ancient(pipeline.table("verify")),
        verify_seal=pipeline.seal("verify"),
    output:
        table=pipeline.table("assemble"),
        seal=pipeline.seal("assemble"),
    params:
        code=code_of("assemble"),
        settings=settings_of("assemble"),
    log:
        pipeline.log("assemble", "shard"),
    benchmark:
        pipeline.benchmark("assemble", "shard")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    conda:
        "../../envs/base.yaml"
    shell:
        "python {SCRIPTS}/assemble.py --ingest {input.ingest} --prefilter {input.prefilter} --instruct {input.instruct} --edit {input.edit} --verify {input.verify} "
        "--shard {wildcards.shard} --table {output.table} --seal {output.seal} --inputs {input.ingest_seal} {input.prefilter_seal} {input.instruct_seal} {input.edit_seal} {input.verify_seal} "
        "--code {params.code} --settings {params.settings:q} "
        "> {log} 2>&1"

# The accepted edits of a shard as one file of the dataset.


rule assemble:
    message:
        "Shard {wildcards.shard}: assembling the dataset file"
    input:
        ingest_seal=pipeline.seal("ingest"),
        prefilter_seal=pipeline.seal("prefilter"),
        instruct_seal=pipeline.seal("instruct"),
        edit_seal=pipeline.seal("edit"),
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
        "python {SCRIPTS}/assemble.py --results {RESULTS:q} "
        "--shard {wildcards.shard} --table {output.table} --seal {output.seal} --inputs {input} "
        "--code {params.code} --settings {params.settings:q} "
        "> {log} 2>&1"

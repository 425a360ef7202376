# Table 3: how the data volume changes from stage to stage, beside the paper's figures.


rule table3:
    message:
        "Making Table 3"
    input:
        ingest=ancient(pipeline.all_tables("ingest")),
        ingest_seals=pipeline.all_seals("ingest"),
        prefilter=ancient(pipeline.all_tables("prefilter")),
        prefilter_seals=pipeline.all_seals("prefilter"),
        instruct=ancient(pipeline.all_tables("instruct")),
        instruct_seals=pipeline.all_seals("instruct"),
        edit=ancient(pipeline.all_tables("edit")),
        edit_seals=pipeline.all_seals("edit"),
        verify=ancient(pipeline.all_tables("verify")),
        verify_seals=pipeline.all_seals("verify"),
        assemble=ancient(pipeline.all_tables("assemble")),
        assemble_seals=pipeline.all_seals("assemble"),
    output:
        csv=f"{RESULTS}/tables/table3.csv",
        md=f"{RESULTS}/tables/table3.md",
        png=f"{RESULTS}/tables/table3.png",
        seal=pipeline.gather_seal("table3"),
    params:
        code=code_of("table3"),
        settings=settings_of("table3"),
    log:
        pipeline.log("table3"),
    benchmark:
        pipeline.benchmark("table3")
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    conda:
        "../../envs/base.yaml"
    shell:
        "python {SCRIPTS}/table3.py --results {RESULTS:q} --seal {output.seal} "
        "--code {params.code} --settings {params.settings:q} "
        "> {log} 2>&1"

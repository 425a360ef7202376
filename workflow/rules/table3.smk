# Table 3: how the data volume changes from stage to stage, beside the paper's figures.


rule table3:
    input:
        seals=pipeline.seals_of(
            "ingest", "prefilter", "instruct", "edit", "verify", "assemble"
        ),
        paper=f"{SCRIPTS}/../../config/paper/table3_funnel.csv",
    output:
        csv=f"{RESULTS}/tables/table3.csv",
        md=f"{RESULTS}/tables/table3.md",
        png=report(
            f"{RESULTS}/tables/table3.png",
            caption="../report/table3.rst",
            category="Tables",
            labels=labels_of("table3", "picture"),
        ),
        seal=pipeline.gather_seal("table3"),
    log:
        pipeline.log("table3"),
    benchmark:
        pipeline.benchmark("table3")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        code=code_of("table3"),
        settings=settings_of("table3"),
    message:
        "Making Table 3"
    shell:
        command("table3", "--paper {input.paper:q}", gather=True)

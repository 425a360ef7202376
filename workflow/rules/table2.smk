# Table 2: the quality of editing datasets by VIEScore, beside the paper's figures.


rule table2:
    input:
        scores=ancient(pipeline.all_tables("viescore")),
        scores_seals=pipeline.all_seals("viescore"),
        aesthetics=ancient(pipeline.all_tables("triplet_aesthetic")),
        aesthetics_seals=pipeline.all_seals("triplet_aesthetic"),
        paper=f"{SCRIPTS}/../../config/paper/table2_dataset_quality.csv",
    output:
        csv=f"{RESULTS}/tables/table2.csv",
        md=f"{RESULTS}/tables/table2.md",
        png=report(
            f"{RESULTS}/tables/table2.png",
            caption="../report/table2.rst",
            category="Tables",
            labels=labels_of("table2", "picture"),
        ),
        seal=pipeline.gather_seal("table2"),
    log:
        pipeline.log("table2"),
    benchmark:
        pipeline.benchmark("table2")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("table2"),
        settings=settings_of("table2"),
    message:
        "Making Table 2"
    shell:
        command(
            "table2",
            "--paper {input.paper:q} --scores {input.scores:q} --aesthetics {input.aesthetics:q} "
            "--inputs {input.scores_seals:q} {input.aesthetics_seals:q}",
            gather=True,
        )

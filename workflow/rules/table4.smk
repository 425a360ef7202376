# Table 4: the benchmark's scores by model and language, beside the paper's figures; and by sub-task.


rule table4:
    input:
        judged=ancient(pipeline.all_tables("judge")),
        judged_seals=pipeline.all_seals("judge"),
        paper=f"{SCRIPTS}/../../config/paper/table4_unicbench.csv",
    output:
        csv=f"{RESULTS}/tables/table4.csv",
        md=f"{RESULTS}/tables/table4.md",
        png=report(
            f"{RESULTS}/tables/table4.png",
            caption="../report/table4.rst",
            category="Tables",
            labels=labels_of("table4", "picture"),
        ),
        subtasks_csv=f"{RESULTS}/tables/table4_subtasks.csv",
        subtasks_md=f"{RESULTS}/tables/table4_subtasks.md",
        subtasks_png=report(
            f"{RESULTS}/tables/table4_subtasks.png",
            caption="../report/table4_subtasks.rst",
            category="Tables",
            labels=labels_of("table4_subtasks", "picture"),
        ),
        seal=pipeline.gather_seal("table4"),
    log:
        pipeline.log("table4"),
    benchmark:
        pipeline.benchmark("table4")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        code=code_of("table4"),
        settings=settings_of("table4"),
    message:
        "Making Table 4"
    shell:
        command(
            "table4",
            "--paper {input.paper:q} --judged {input.judged:q} --inputs {input.judged_seals:q}",
            gather=True,
        )

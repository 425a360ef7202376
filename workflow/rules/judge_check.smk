# The configured judges against the truth of simulated edits: agreement, coverage, tokens and cost.


rule judge_check:
    input:
        judged=ancient(pipeline.compared),
        judged_seals=pipeline.all_seals("judge"),
        expected=ancient(pipeline.all_tables("expect")),
        expected_seals=pipeline.all_seals("expect"),
    output:
        csv=f"{RESULTS}/tables/judge_check.csv",
        md=f"{RESULTS}/tables/judge_check.md",
        png=report(
            f"{RESULTS}/tables/judge_check.png",
            caption="../report/judge_check.rst",
            category="Tables",
            labels=labels_of("judge_check", "picture"),
        ),
        seal=pipeline.gather_seal("judge_check"),
    log:
        pipeline.log("judge_check"),
    benchmark:
        pipeline.benchmark("judge_check")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        code=code_of("judge_truth"),
        settings=settings_of("judge_truth"),
    message:
        "Comparing judges with the truth"
    shell:
        command(
            "judge_truth",
            "--judged {input.judged:q} --expected {input.expected:q} --inputs {input.judged_seals:q} {input.expected_seals:q}",
            gather=True,
        )

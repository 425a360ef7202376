# The benchmark's edits and scores in the public layout; made on demand, for every picture lies there a second time.


rule bench_export:
    input:
        records=ancient(rules.records.output.table),
        edits=ancient(pipeline.all_tables("bench_edit")),
        judged=ancient(pipeline.all_tables("judge")),
        seals=pipeline.seals_of("bench_edit", "judge"),
    output:
        folder=directory(f"{RESULTS}/benchmark/export"),
        seal=pipeline.gather_seal("bench_export"),
    log:
        pipeline.log("bench_export"),
    benchmark:
        pipeline.benchmark("bench_export")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        code=code_of("bench_export"),
        settings=settings_of("bench_export"),
    message:
        "Writing the benchmark in the public layout"
    shell:
        command(
            "bench_export",
            "--records {input.records:q} --edits {input.edits:q} --judged {input.judged:q} --inputs {input.seals:q} --out {output.folder:q}",
            gather=True,
        )

# Every sample of the benchmark edited by one model, after its instruction in one language.


rule bench_edit:
    input:
        records=ancient(rules.records.output.table),
        records_seal=rules.records.output.seal,
    output:
        table=pipeline.table("bench_edit"),
        seal=pipeline.seal("bench_edit"),
    log:
        pipeline.log("bench_edit", "unit"),
    benchmark:
        pipeline.benchmark("bench_edit", "unit")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=480,
    params:
        code=code_of("bench_edit"),
        settings=unit_settings_of("bench_edit"),
    message:
        "Benchmark {wildcards.unit}: editing pictures"
    shell:
        command(
            "bench_edit",
            "--records {input.records:q} --inputs {input.records_seal:q}",
            mapped=True,
            wildcard="unit",
        )

# Every edit of the benchmark by one model in one language, scored by one judge: SC and PQ, as VIEScore has them, or what another benchmark's mapping asks.


rule bench_viescore:
    input:
        records=ancient(rules.records.output.table),
        records_seal=rules.records.output.seal,
        edits=ancient(pipeline.bench_edits),
        edits_seal=pipeline.bench_edit_seals,
    output:
        table=pipeline.table("bench_viescore"),
        seal=pipeline.seal("bench_viescore"),
    log:
        pipeline.log("bench_viescore", "unit"),
    benchmark:
        pipeline.benchmark("bench_viescore", "unit")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=480,
    params:
        code=code_of("bench_viescore"),
        settings=unit_settings_of("bench_viescore"),
    message:
        "Judge {wildcards.unit}: VIEScore of edits"
    shell:
        command(
            "bench_viescore",
            "--records {input.records:q} --edits {input.edits:q} --inputs {input.records_seal:q} {input.edits_seal:q}",
            mapped=True,
            wildcard="unit",
        )

# Every metric of every edit, scored by one judge.


rule judge:
    input:
        records=ancient(rules.records.output.table),
        records_seal=rules.records.output.seal,
        edits=ancient(pipeline.bench_edits),
        edits_seal=pipeline.bench_edit_seals,
        expected=ancient(pipeline.expected),
        expected_seal=pipeline.expected_seals,
    output:
        table=pipeline.table("judge"),
        seal=pipeline.seal("judge"),
    log:
        pipeline.log("judge", "unit"),
    benchmark:
        pipeline.benchmark("judge", "unit")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=480,
    params:
        code=code_of("judge"),
        settings=unit_settings_of("judge"),
    message:
        "Judge {wildcards.unit}: scoring edits"
    shell:
        command(
            "judge",
            "--records {input.records:q} --edits {input.edits:q} --expected {input.expected:q} "
            "--inputs {input.records_seal:q} {input.edits_seal:q} {input.expected_seal:q}",
            mapped=True,
            wildcard="unit",
        )

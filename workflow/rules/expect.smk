# What a right edit of each Reasoning sample must show, as a judge infers it from source, instruction and reasoning points: once for all models.


rule expect:
    input:
        records=ancient(rules.records.output.table),
        records_seal=rules.records.output.seal,
    output:
        table=pipeline.table("expect"),
        seal=pipeline.seal("expect"),
    log:
        pipeline.log("expect", "unit"),
    benchmark:
        pipeline.benchmark("expect", "unit")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        code=code_of("expect"),
        settings=unit_settings_of("expect"),
    message:
        "Judge {wildcards.unit}: inferring what is to be expected"
    shell:
        command(
            "expect",
            "--records {input.records:q} --inputs {input.records_seal:q}",
            mapped=True,
            wildcard="unit",
        )

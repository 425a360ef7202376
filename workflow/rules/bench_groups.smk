# Another benchmark's figures, by the groups and formulas that its publishers give.


rule bench_groups:
    input:
        records=ancient(rules.records.output.table),
        records_seal=rules.records.output.seal,
        viescores=ancient(pipeline.grouped),
        viescores_seals=pipeline.all_seals("bench_viescore"),
    output:
        pipeline.gather_outputs("bench_groups"),
        seal=pipeline.gather_seal("bench_groups"),
    log:
        pipeline.log("bench_groups"),
    benchmark:
        pipeline.benchmark("bench_groups")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("bench_groups"),
        settings=settings_of("bench_groups"),
    message:
        "Making the table of another benchmark's groups"
    shell:
        command(
            "bench_groups",
            "--records {input.records:q} --viescores {input.viescores:q} --inputs {input.records_seal:q} {input.viescores_seals:q}",
            gather=True,
        )

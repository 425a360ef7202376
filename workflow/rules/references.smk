# Pictures of benchmarks, hashed whole and by window, to be looked for in the library.


rule references:
    input:
        records=ancient(pipeline.sought()),
        records_seal=pipeline.sought_seals(),
    output:
        table=pipeline.gather_outputs("references"),
        seal=pipeline.gather_seal("references"),
    log:
        pipeline.log("references"),
    benchmark:
        pipeline.benchmark("references")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("references"),
        settings=settings_of("references"),
    message:
        "Hashing benchmarks' pictures"
    shell:
        command(
            "references",
            "--records {input.records:q} --table {output.table:q} --inputs {input.records_seal:q}",
            gather=True,
        )

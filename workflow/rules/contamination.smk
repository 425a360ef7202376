# Pictures of benchmarks in the library: the table of hits.


rule contamination:
    input:
        references=ancient(pipeline.gather_outputs("references")),
        references_seal=pipeline.gather_seal("references"),
        lookalikes=ancient(pipeline.all_tables("lookalikes")),
        seals=pipeline.all_seals("lookalikes"),
    output:
        pipeline.gather_outputs("contamination"),
        seal=pipeline.gather_seal("contamination"),
    log:
        pipeline.log("contamination"),
    benchmark:
        pipeline.benchmark("contamination")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("contamination"),
        settings=settings_of("contamination"),
    message:
        "Listing pictures of benchmarks in the library"
    shell:
        command("contamination", gather=True)

# Instructions that a benchmark of one's own may have, asked of pictures of the whole library.


rule propose:
    input:
        ingest=ancient(pipeline.all_tables("ingest")),
        prefilter=ancient(pipeline.asked_for_proposals),
        seals=pipeline.seals_of("ingest", "prefilter"),
        used=ancient(pipeline.used()),
        used_seals=pipeline.used_seals(),
    output:
        table=pipeline.gather_outputs("propose"),
        seal=pipeline.gather_seal("propose"),
    log:
        pipeline.log("propose"),
    benchmark:
        pipeline.benchmark("propose")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=480,
    params:
        code=code_of("propose"),
        settings=settings_of("propose"),
    message:
        "Asking for proposals for a benchmark"
    shell:
        command(
            "propose",
            "--shard propose --table {output.table:q} --used {input.used:q} --inputs {input.seals:q} {input.used_seals:q}",
            gather=True,
            mapped=True,
        )

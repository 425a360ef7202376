# Training samples of the verifier: pairs of pictures, the instruction shown with them, and what is true.


rule samples:
    input:
        run=ancient(pipeline.sample_tables),
        run_seals=pipeline.sample_seals,
    output:
        table=pipeline.table("samples"),
        seal=pipeline.seal("samples"),
    log:
        pipeline.log("samples", "part"),
    benchmark:
        pipeline.benchmark("samples", "part")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        code=code_of("samples"),
        settings=settings_of("samples"),
    message:
        "Part {wildcards.part}: making training samples"
    shell:
        command(
            "samples",
            "--run {input.run:q} --inputs {input.run_seals:q}",
            mapped=True,
            wildcard="part",
        )

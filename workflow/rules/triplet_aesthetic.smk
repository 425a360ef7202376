# Aesthetic scores of both pictures of every triplet of a dataset's sample.


rule triplet_aesthetic:
    input:
        sample=ancient(pipeline.triplets_of("parquet")),
        sample_seal=pipeline.triplets_of("json"),
    output:
        table=pipeline.table("triplet_aesthetic"),
        seal=pipeline.seal("triplet_aesthetic"),
    log:
        pipeline.log("triplet_aesthetic", "unit"),
    benchmark:
        pipeline.benchmark("triplet_aesthetic", "unit")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=480,
    params:
        code=code_of("triplet_aesthetic"),
        settings=unit_settings_of("triplet_aesthetic"),
    message:
        "Dataset {wildcards.unit}: scoring aesthetics"
    shell:
        command(
            "triplet_aesthetic",
            "--sample {input.sample:q} --inputs {input.sample_seal:q}",
            mapped=True,
            wildcard="unit",
        )

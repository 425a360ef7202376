# SC and PQ of every triplet of a dataset's sample, scored by one judge.


rule viescore:
    input:
        sample=ancient(pipeline.triplets_of("parquet")),
        sample_seal=pipeline.triplets_of("json"),
    output:
        table=pipeline.table("viescore"),
        seal=pipeline.seal("viescore"),
    log:
        pipeline.log("viescore", "unit"),
    benchmark:
        pipeline.benchmark("viescore", "unit")
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=480,
    params:
        code=code_of("viescore"),
        settings=unit_settings_of("viescore"),
    message:
        "Judge {wildcards.unit}: scoring triplets"
    shell:
        command(
            "viescore",
            "--sample {input.sample:q} --inputs {input.sample_seal:q}",
            mapped=True,
            wildcard="unit",
        )

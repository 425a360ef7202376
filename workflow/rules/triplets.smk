# A sample of one dataset's triplets, drawn through the mapping of its columns.


rule triplets:
    input:
        mapping=pipeline.mapping_of,
    output:
        table=pipeline.table("triplets"),
        seal=pipeline.seal("triplets"),
    log:
        pipeline.log("triplets", "unit"),
    benchmark:
        pipeline.benchmark("triplets", "unit")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        code=code_of("triplets"),
        settings=unit_settings_of("triplets"),
        root=pipeline.root_of,
    message:
        "Dataset {wildcards.unit}: drawing triplets"
    shell:
        command(
            "triplets",
            "--mapping {input.mapping:q} --root {params.root:q}",
            wildcard="unit",
        )

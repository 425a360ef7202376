# The benchmark's records with their pictures: UnicBench from files or the hub, or the one made in the simulated world.


rule records:
    input:
        taxonomy=f"{SCRIPTS}/../../config/paper/taxonomy.csv",
    output:
        table=pipeline.gather_outputs("records"),
        seal=pipeline.gather_seal("records"),
    log:
        pipeline.log("records"),
    benchmark:
        pipeline.benchmark("records")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        code=code_of("records"),
        settings=settings_of("records"),
    message:
        "Reading the benchmark"
    shell:
        command(
            "records",
            f"--taxonomy {{input.taxonomy:q}} --table {{output.table:q}} {pipeline.cache_argument()}",
            gather=True,
        )

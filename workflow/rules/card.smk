# The dataset's card, index and census.


rule card:
    input:
        seals=pipeline.seals_of(
            "ingest", "prefilter", "instruct", "edit", "verify", "assemble"
        ),
    output:
        card=f"{RESULTS}/dataset/README.md",
        index=f"{RESULTS}/dataset/index.parquet",
        census=f"{RESULTS}/dataset/census.csv",
        plot=report(
            f"{RESULTS}/dataset/census.png",
            caption="../report/census.rst",
            category="Dataset",
            labels=labels_of("census", "picture"),
        ),
        seal=pipeline.gather_seal("card"),
    log:
        pipeline.log("card"),
    benchmark:
        pipeline.benchmark("card")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        code=code_of("card"),
        settings=settings_of("card"),
    message:
        "Writing the dataset's card, index and census"
    shell:
        command("card", gather=True)

# The dataset's card, index and census.


rule card:
    message:
        "Writing the dataset's card, index and census"
    input:
        assemble_seals=pipeline.all_seals("assemble"),
    output:
        card=f"{RESULTS}/dataset/README.md",
        index=f"{RESULTS}/dataset/index.parquet",
        census=f"{RESULTS}/dataset/census.csv",
        plot=f"{RESULTS}/dataset/census.png",
        seal=pipeline.gather_seal("card"),
    params:
        code=code_of("card"),
        settings=settings_of("card"),
    log:
        pipeline.log("card"),
    benchmark:
        pipeline.benchmark("card")
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    conda:
        "../../envs/base.yaml"
    shell:
        "python {SCRIPTS}/card.py --results {RESULTS:q} --seal {output.seal} "
        "--code {params.code} --settings {params.settings:q} "
        "> {log} 2>&1"

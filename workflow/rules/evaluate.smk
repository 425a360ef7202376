# What a verifier says of the samples of a split, and how right that is (Table 5).


rule evaluate:
    input:
        data=ancient(f"{RESULTS}/verifier/data/{{split}}.parquet"),
        data_seal=f"{RESULTS}/verifier/sidecars/{{split}}.json",
        model=ancient(grid.model),
        model_seal=grid.model_seal,
        base=grid.base_read,
        choosing=ancient(grid.choosing),
        choosing_seal=grid.choosing_seal,
    output:
        table=f"{grid.folder}/{{reading}}-{{split}}.parquet",
        seal=f"{grid.folder}/{{reading}}-{{split}}.json",
    log:
        f"{RESULTS}/logs/evaluate/{{variant}}-{{run}}-{{reading}}-{{split}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/{{variant}}-{{run}}-{{reading}}-{{split}}.tsv"
    wildcard_constraints:
        variant=grid.variant,
        run=grid.run,
        reading=grid.reading,
        split=grid.split,
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=6000,
        runtime=240,
    params:
        code=code_of("evaluate"),
        settings=grid.evaluation_settings,
        evaluated=grid.evaluated,
    message:
        "Evaluating {wildcards.variant} ({wildcards.run}, {wildcards.reading}) on the {wildcards.split} split"
    shell:
        command(
            "evaluate",
            "--data {input.data:q} --reading {wildcards.reading} {params.evaluated} --table {output.table:q} "
            "--inputs {input.data_seal:q} {input.model_seal:q} {input.choosing_seal:q}",
            gather=True,
        )

# The verifier's first training: supervised fine-tuning of the base model.


rule sft:
    input:
        data=ancient(f"{RESULTS}/verifier/data/sft.parquet"),
        data_seal=f"{RESULTS}/verifier/sidecars/sft.json",
        base=grid.base(),
    output:
        model=directory(f"{RESULTS}/verifier/sft/model"),
        csv=f"{RESULTS}/verifier/sft/curves.csv",
        png=report(
            f"{RESULTS}/verifier/sft/curves.png",
            caption="../report/curves.rst",
            category="Training",
            labels=labels_of("sft", "picture"),
        ),
        seal=pipeline.gather_seal("sft"),
    log:
        pipeline.log("sft"),
    benchmark:
        pipeline.benchmark("sft")
    conda:
        "../../envs/training.yaml"
    threads: 2
    resources:
        mem_mb=8000,
        runtime=1440,
    params:
        code=code_of("sft"),
        settings=settings_of("sft"),
    message:
        "Training the verifier: supervised fine-tuning"
    shell:
        command(
            "sft",
            "--data {input.data:q} --inputs {input.data_seal:q} "
            "--model {output.model:q} --curves {output.csv:q} --plot {output.png:q}",
            gather=True,
            launched=True,
        )

# The verifier's second training: preference pairs, with the fine-tuned model as frozen reference.


rule d2po:
    input:
        data=ancient(f"{RESULTS}/verifier/data/d2po.parquet"),
        data_seal=f"{RESULTS}/verifier/sidecars/d2po.json",
        sft=ancient(rules.sft.output.model),
        sft_seal=rules.sft.output.seal,
    output:
        model=directory(f"{RESULTS}/verifier/d2po/model"),
        csv=f"{RESULTS}/verifier/d2po/curves.csv",
        png=report(
            f"{RESULTS}/verifier/d2po/curves.png",
            caption="../report/curves.rst",
            category="Training",
            labels=labels_of("d2po", "picture"),
        ),
        seal=pipeline.gather_seal("d2po"),
    log:
        pipeline.log("d2po"),
    benchmark:
        pipeline.benchmark("d2po")
    conda:
        "../../envs/training.yaml"
    threads: 2
    resources:
        mem_mb=8000,
        runtime=1440,
    params:
        code=code_of("d2po"),
        settings=settings_of("d2po"),
    message:
        "Training the verifier: D2PO"
    shell:
        command(
            "d2po",
            "--data {input.data:q} --base {input.sft:q} --inputs {input.data_seal:q} {input.sft_seal:q} "
            "--model {output.model:q} --curves {output.csv:q} --plot {output.png:q}",
            gather=True,
            launched=True,
        )

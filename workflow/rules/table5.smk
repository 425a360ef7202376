# Table 5: the accuracy of verifiers, beside the paper's. The run's own, from its one SFT and one D2PO model; and the full one, over seeds and with trained controls.


rule table5:
    input:
        evaluations=ancient(grid.evaluations("table5", "table")),
        seals=grid.evaluations("table5", "seal"),
        paper=f"{SCRIPTS}/../../config/paper/table5_verifier.csv",
    output:
        csv=f"{RESULTS}/tables/table5.csv",
        md=f"{RESULTS}/tables/table5.md",
        png=report(
            f"{RESULTS}/tables/table5.png",
            caption="../report/table5.rst",
            category="Tables",
            labels=labels_of("table5", "picture"),
        ),
        slots_csv=f"{RESULTS}/tables/table5_slots.csv",
        slots_md=f"{RESULTS}/tables/table5_slots.md",
        seal=pipeline.gather_seal("table5"),
    log:
        pipeline.log("table5"),
    benchmark:
        pipeline.benchmark("table5")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("table5"),
        settings=settings_of("table5"),
    message:
        "Making Table 5"
    shell:
        command(
            "table5", "--paper {input.paper:q} --inputs {input.seals:q}", gather=True
        )


rule table5_full:
    input:
        evaluations=ancient(grid.evaluations("table5_full", "table")),
        seals=grid.evaluations("table5_full", "seal"),
        paper=f"{SCRIPTS}/../../config/paper/table5_verifier.csv",
    output:
        csv=f"{RESULTS}/tables/table5_full.csv",
        md=f"{RESULTS}/tables/table5_full.md",
        png=report(
            f"{RESULTS}/tables/table5_full.png",
            caption="../report/table5.rst",
            category="Tables",
            labels=labels_of("table5_full", "picture"),
        ),
        slots_csv=f"{RESULTS}/tables/table5_full_slots.csv",
        slots_md=f"{RESULTS}/tables/table5_full_slots.md",
        seal=pipeline.gather_seal("table5_full"),
    log:
        pipeline.log("table5_full"),
    benchmark:
        pipeline.benchmark("table5_full")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("table5"),
        settings=settings_of("table5"),
    message:
        "Making the full Table 5"
    shell:
        command(
            "table5",
            "--name table5_full --paper {input.paper:q} --inputs {input.seals:q}",
            gather=True,
        )


rule table5_search:
    input:
        evaluations=ancient(grid.evaluations("table5_search", "table")),
        seals=grid.evaluations("table5_search", "seal"),
        paper=f"{SCRIPTS}/../../config/paper/table5_verifier.csv",
    output:
        csv=f"{RESULTS}/tables/table5_search.csv",
        md=f"{RESULTS}/tables/table5_search.md",
        png=report(
            f"{RESULTS}/tables/table5_search.png",
            caption="../report/table5.rst",
            category="Tables",
            labels=labels_of("table5_search", "picture"),
        ),
        slots_csv=f"{RESULTS}/tables/table5_search_slots.csv",
        slots_md=f"{RESULTS}/tables/table5_search_slots.md",
        seal=pipeline.gather_seal("table5_search"),
    log:
        pipeline.log("table5_search"),
    benchmark:
        pipeline.benchmark("table5_search")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("table5"),
        settings=settings_of("table5"),
    message:
        "Making the table of the search"
    shell:
        command(
            "table5",
            "--name table5_search --paper {input.paper:q} --inputs {input.seals:q}",
            gather=True,
        )


# the samples of SFT and D2PO together, for the control that sees hallucinations from the start
rule table5_data:
    input:
        tables=ancient(
            [
                f"{RESULTS}/verifier/data/sft.parquet",
                f"{RESULTS}/verifier/data/d2po.parquet",
            ]
        ),
        seals=[
            f"{RESULTS}/verifier/sidecars/sft.json",
            f"{RESULTS}/verifier/sidecars/d2po.json",
        ],
    output:
        table=f"{grid.runs}/both.parquet",
        seal=f"{grid.runs}/both.json",
    log:
        pipeline.log("table5_data"),
    benchmark:
        pipeline.benchmark("table5_data")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("table5_data"),
    message:
        "Joining the samples of SFT and D2PO"
    shell:
        f"python {SCRIPTS}/table5_data.py --tables {{input.tables:q}} --out {{output.table:q}} --seal {{output.seal:q}} "
        "--code {params.code} --inputs {input.seals:q} > {log:q} 2>&1"


rule train_variant:
    input:
        data=ancient(grid.data),
        data_seal=grid.data_seal,
        parent=ancient(grid.parent),
        parent_seal=grid.parent_seal,
        base=grid.base_below,
        chosen=grid.chosen,
    output:
        model=directory(f"{grid.folder}/model"),
        curves=f"{grid.folder}/curves.csv",
        plot=f"{grid.folder}/curves.png",
        seal=f"{grid.folder}/model.json",
    log:
        f"{RESULTS}/logs/train_variant/{{variant}}-{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_variant/{{variant}}-{{run}}.tsv"
    wildcard_constraints:
        variant=grid.trained,
        run=grid.training,
    conda:
        "../../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=1440,
    params:
        code=grid.stage_code,
        settings=grid.settings,
        stage=grid.stage,
        parent=grid.from_parent,
        rate=grid.at_rate,
    message:
        "Training {wildcards.variant} ({wildcards.run})"
    shell:
        # where its learning rate was chosen, the settings get it first; models of the same recipe are kept beside each run's own
        f"python {SCRIPTS}/{{params.stage}}.py --data {{input.data:q}} {{params.parent}} --model {{output.model:q}} --curves {{output.curves:q}} "
        "--plot {output.plot:q} --seal {output.seal:q} --code {params.code} --inputs {input.data_seal:q} {input.parent_seal:q} "
        f'--settings "$(python {SCRIPTS}/table5_settings.py --settings {{params.settings:q}} {{params.rate}})" '
        f"--results {grid.runs_quoted}/{{wildcards.variant}}/{{wildcards.run}} {grid.carried} > {{log:q}} 2>&1"


rule table5_tune:
    input:
        evaluations=ancient(grid.trials("table")),
        seals=grid.trials("seal"),
    output:
        f"{grid.runs}/{{variant}}/chosen.json",
    log:
        f"{RESULTS}/logs/table5_tune/{{variant}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/table5_tune/{{variant}}.tsv"
    wildcard_constraints:
        variant=grid.trained,
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("table5_tune"),
        factors=grid.table.rate_factors,
    message:
        "Choosing the learning rate of {wildcards.variant}"
    shell:
        f"python {SCRIPTS}/table5_tune.py --evaluations {{input.evaluations:q}} --factors {{params.factors}} --out {{output:q}} > {{log:q}} 2>&1"

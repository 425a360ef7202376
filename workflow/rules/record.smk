# Pages of the run report: a record of the run with its scores, and each table. `snakemake --report` puts them together with what other rules mark.


rule record:
    input:
        seals=pipeline.seals_of(
            "ingest", "prefilter", "instruct", "edit", "verify", "assemble"
        ),
        made=report_seals(),
    output:
        page=report(
            f"{RESULTS}/report/record.html",
            caption="../report/record.rst",
            category="Run",
            labels=labels_of("record", "page"),
        ),
        scores=report(
            f"{RESULTS}/report/scores.png",
            caption="../report/scores.rst",
            category="Dataset",
            labels=labels_of("scores", "picture"),
        ),
        seal=pipeline.gather_seal("record"),
    log:
        pipeline.log("record"),
    benchmark:
        pipeline.benchmark("record")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("record"),
        settings=settings_of("record"),
    message:
        "Writing the record of the run"
    shell:
        command(
            "record",
            "--made {input.made:q} --page {output.page:q} --scores {output.scores:q}",
            gather=True,
        )


rule page:
    input:
        f"{RESULTS}/tables/{{name}}.md",
    output:
        report(
            f"{RESULTS}/report/tables/{{name}}.html",
            caption="../report/page.rst",
            category="Tables",
            labels=label_of_page,
        ),
    log:
        f"{RESULTS}/logs/page/{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/page/{{name}}.tsv"
    wildcard_constraints:
        name=r"\w+",
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code_of("page"),
    message:
        "Writing a page of {wildcards.name}"
    shell:
        f"python {SCRIPTS}/page.py --markdown {{input:q}} --page {{output:q}} --code {{params.code}} > {{log:q}} 2>&1"

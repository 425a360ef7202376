# The gallery: a static page over all rows of the run.


rule gallery:
    input:
        seals=pipeline.seals_of("ingest", "prefilter", "instruct", "edit", "verify"),
    output:
        page=f"{RESULTS}/gallery/index.html",
        app=directory(f"{RESULTS}/gallery/app"),
        data=directory(f"{RESULTS}/gallery/data"),
        seal=pipeline.gather_seal("gallery"),
    log:
        pipeline.log("gallery"),
    benchmark:
        pipeline.benchmark("gallery")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        code=code_of("gallery"),
        settings=settings_of("gallery"),
    message:
        "Making the gallery"
    shell:
        command("gallery", gather=True)

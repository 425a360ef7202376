# The verifier's training, validation and test data, as people's reviews leave them.


rule training_data:
    input:
        parts=ancient(pipeline.all_tables("samples")),
        part_seals=pipeline.all_seals("samples"),
    output:
        files=f"{RESULTS}/verifier/data/files.csv",
        census=f"{RESULTS}/verifier/data/census.csv",
        dropped=f"{RESULTS}/verifier/data/dropped.csv",
        sft=f"{RESULTS}/verifier/data/sft.parquet",
        d2po=f"{RESULTS}/verifier/data/d2po.parquet",
        validation=f"{RESULTS}/verifier/data/validation.parquet",
        test=f"{RESULTS}/verifier/data/test.parquet",
        sft_seal=f"{RESULTS}/verifier/sidecars/sft.json",
        d2po_seal=f"{RESULTS}/verifier/sidecars/d2po.json",
        validation_seal=f"{RESULTS}/verifier/sidecars/validation.json",
        test_seal=f"{RESULTS}/verifier/sidecars/test.json",
        seal=pipeline.gather_seal("training_data"),
    log:
        pipeline.log("training_data"),
    benchmark:
        pipeline.benchmark("training_data")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        code=code_of("training_data"),
        settings=settings_of("training_data"),
    message:
        "Joining the verifier's training data"
    shell:
        command("training_data", gather=True)

# make all · photos · test · lint · bench · status: each builds the environment it needs, on a fresh machine too; no sudo.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
CORES ?= 2
# further configuration files, later ones win: make all CONFIG="my.yaml other.yaml"
CONFIG ?=
PHOTOS ?= photos
export PHOTOS
STAGE ?=
ARGS ?=
# where `make release` and `make audit` write
OUT ?=

OVERLAY := $(if $(CONFIG),--configfile $(CONFIG),)
SNAKEMAKE := $(BIN)/snakemake $(OVERLAY) --profile profiles/local --cores $(CORES) $(ARGS)
COMMAND := $(BIN)/python workflow/scripts

.PHONY: all photos plan dataset tables table2 verifier table5-full table5-search tiny-base release-verifier install test test-slurm test-docs test-long docs lint format bench status slurm-check efficiency config judge-check contamination verify-results accept retry pilot resume unlock clean help benchmark fetch-benchmark fetch-models report test-browser release audit review propose review-agreement review-settle review-freeze

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

all: install ## run the whole pipeline on the configuration, with progress and a summary
	$(COMMAND)/run.py -- $(SNAKEMAKE) all

photos: install ## PHOTOS=folder: a dataset from your own photographs, in results-photos
	library="$$($(BIN)/python -c 'import json, os; print(json.dumps({"path": os.environ["PHOTOS"]}, ensure_ascii=False))')"; \
	$(COMMAND)/run.py -- $(BIN)/snakemake --configfile config/photos.yaml $(CONFIG) --config library="$$library" \
	    --profile profiles/local --cores $(CORES) $(ARGS) all

GPUS ?= 8
plan: install ## GPUS=8: rows, jobs, GPU-hours, wall time, storage and money of `make all`, and what to change; nothing begins
	$(COMMAND)/plan.py $(OVERLAY) --gpus $(GPUS) --profile $(PROFILE_SLURM) $(ARGS)

UPDATE ?=
fetch-models: install ## fetch the models that the configuration names, once, and lock them; UPDATE=1 asks what their branches stand for now
	$(COMMAND)/fetch_models.py $(OVERLAY) $(if $(UPDATE),--update)

dataset tables benchmark table2: install ## make just the dataset, just the tables, just the benchmark of editing models (Table 4), or just Table 2
	$(COMMAND)/run.py -- $(SNAKEMAKE) $@

contamination: install ## pictures of benchmarks in the library, copies and crops of them: results/tables/contamination.md
	$(COMMAND)/run.py -- $(SNAKEMAKE) contamination

judge-check: install ## the configured judges against the truth of simulated edits, beside what they cost: results/tables/judge_check.md
	$(COMMAND)/run.py -- $(SNAKEMAKE) judge_check

fetch-benchmark: install ## CONFIG=config/unicbench.yaml: UnicBench's public prompts at a pinned commit, and its dataset, into the cache
	$(COMMAND)/fetch_benchmark.py $(OVERLAY)

report: install ## results/report.html: the tables, plots, configuration, versions and digests of a finished run in one file
	$(COMMAND)/report.py -- $(SNAKEMAKE)

verifier: install ## the verifier's part of `all`: train it (SFT, D2PO) and measure it: Table 5, the SSIM claim
	$(COMMAND)/run.py -- $(SNAKEMAKE) verifier

table5-full: install ## Table 5 over five seeds, with the trained controls: many hours on a laptop
	$(COMMAND)/run.py -- $(SNAKEMAKE) results/tables/table5_full.csv

table5-search: install ## the search around D2PO: instruction withheld, compute-matched controls; longer still
	$(COMMAND)/run.py -- $(SNAKEMAKE) results/tables/table5_search.csv

MINUTES ?= 75
tiny-base: install ## MINUTES=75: train the tiny base model again, into models/tiny-base (on a GPU: ARGS="--scenes 32 --workers 14")
	$(COMMAND)/tiny_base.py --work scratch/tiny-base --minutes $(MINUTES) $(ARGS)

release: install ## the dataset as a folder to publish, `release` (OUT=folder, ARGS="--webdataset --mark --repository me/name"); nothing is uploaded
	$(COMMAND)/release.py $(OVERLAY) $(if $(OUT),--out "$(OUT)") $(ARGS)

DATASET ?= results/dataset
audit: install ## DATASET=folder: examine any editing dataset; ARGS="--mapping config/datasets/x2edit.yaml --taxonomy none --benchmark folder --strict"
	$(COMMAND)/audit.py "$(DATASET)" $(if $(OUT),--out "$(OUT)") $(ARGS)

propose: install ## records for a benchmark of your own, proposed from the library's pictures: results/tables/proposals.md says what came of it; then WHAT=proposals in make review
	$(COMMAND)/run.py -- $(SNAKEMAKE) proposals

REVIEWER ?=
REVIEWS ?= reviews
AGREE ?= 1
PORT ?= 8765
DISAGREEMENTS ?=
WHAT ?= samples
REVIEW = $(COMMAND)/review.py $(OVERLAY) --what $(WHAT) --reviews "$(REVIEWS)" --agree $(AGREE)
review: install ## REVIEWER=anna: a local page to accept, reject, rewrite training samples (WHAT=benchmark or proposals: records); DISAGREEMENTS=1 AGREE=2: settle what reviewers disagree on
	$(REVIEW) serve --reviewer "$(REVIEWER)" --port $(PORT) $(if $(DISAGREEMENTS),--disagreements) $(ARGS)

review-agreement: install ## how far reviewers agree (Cohen's kappa), what is settled and what is not
	$(REVIEW) agreement

review-settle: install ## AGREE=2: write what is settled into reviews/samples/settled.jsonl, which samples.review names
	$(REVIEW) settle $(ARGS)

VERSION ?=
review-freeze: install ## OUT=my-benchmark VERSION=1: the reviewed benchmark (WHAT=proposals: what was proposed) as a new folder, which benchmark.source: files reads
	$(COMMAND)/review.py $(OVERLAY) --what $(if $(filter proposals,$(WHAT)),proposals,benchmark) --reviews "$(REVIEWS)" --agree $(AGREE) freeze --out "$(OUT)" --version "$(VERSION)" $(ARGS)

RELEASE ?= release-verifier
SIMULATED ?= --simulated
release-verifier: install ## RELEASE=folder, SIMULATED= for one trained on real pictures: weights, model card with Table 5 and serving commands of the trained verifier
	$(COMMAND)/release_verifier.py --model results/verifier/d2po/model --table5 results/tables/table5.md $(SIMULATED) --out $(RELEASE)

install: $(VENV)/.installed ## build .venv from the pinned requirements, when missing or out of date

# what is used is compiled when it is first loaded, which takes less than to compile all; where Python may not keep it then, all is compiled now
$(VENV)/.installed: requirements.txt requirements-dev.txt
	command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed (PYTHON=... names another)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(if $(PYTHONDONTWRITEBYTECODE),,--no-compile) --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

test: install ## the tests that belong to every change (about half an hour on two cores)
ifeq ($(ARGS),)
	$(BIN)/python -m pytest tests/workflow tests/unit tests/gpu --numprocesses 2 --dist loadfile --no-loadscope-reorder
else
	$(BIN)/python -m pytest tests $(ARGS)
endif

test-browser: install ## the pages in a real headless Chromium (Debian: apt-get install chromium chromium-driver)
	$(BIN)/python -m pytest tests/browser $(ARGS)

test-slurm: install ## the workflow on a real Slurm, of one machine (about 11 minutes on two cores; tests/slurm/cluster.sh install)
	$(BIN)/python -m pytest tests/slurm --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS) # a cluster each: what is tested mostly waits

test-docs: install ## the documentation builds without a warning, and the commands in it run (about 3 minutes)
	$(BIN)/python -m pytest tests/docs $(ARGS)

docs: install ## the documentation as web pages, in site/
	$(BIN)/mkdocs build

test-long: install ## what repeats for confidence: more kills, more random files
	UNICEDIT_LONG=1 $(BIN)/python -m pytest tests $(ARGS)

lint: install ## ruff, mypy, snakefmt, snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint

format: install ## put every file into the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/rules

bench: install ## ratios: ingest, scorers, resumable map, memory, dry run at paper scale
	$(BIN)/python bench/bench.py $(ARGS)

status: install ## where a running (or finished) run stands
	$(COMMAND)/status.py $(OVERLAY)

PROFILE_SLURM ?= profiles/slurm
PROBE ?=
slurm-check: install ## does profiles/slurm fit this cluster, and what should it say? PROBE=1 also asks a node of each partition
	$(COMMAND)/slurm_check.py --profile $(PROFILE_SLURM) $(if $(PROBE),--probe) $(OVERLAY)

efficiency: install ## after a run: memory, time and CPUs, asked for and used, by rule
	$(COMMAND)/efficiency.py --profile $(PROFILE_SLURM) $(OVERLAY)

config: install ## write the generated parts of config/: commented defaults, JSON schema, README table
	$(COMMAND)/write_config.py

verify-results: install ## check every sealed file against its recorded SHA-256; a corrupted one is named and set aside
	$(COMMAND)/verify_results.py $(OVERLAY)

accept: install ## STAGE=edit: adopt finished rows under today's recipe, on your word
	$(COMMAND)/accept.py --stage $(STAGE) $(OVERLAY)

retry: install ## STAGE=edit: compute the failed rows of a stage again at the next run
	$(COMMAND)/retry.py --stage $(STAGE) $(OVERLAY)

pilot: install ## measure pass rates by sub-task of a finished run, to be frozen in the configuration
	$(COMMAND)/pilot.py $(OVERLAY)

PROFILE ?= profiles/local
TARGET ?= all
MODE ?= show
HEAD ?=
resume: install ## after a killed run: PROFILE=slurm, MODE=wait or cancel for what it left running, TARGET=all; unlocks and goes on
	$(COMMAND)/resume.py --mode $(MODE) $(if $(filter gone,$(HEAD)),--head-is-gone) -- $(BIN)/snakemake $(OVERLAY) --profile $(PROFILE) \
	    $(if $(filter %local,$(PROFILE)),--cores $(CORES)) $(ARGS) $(TARGET)

unlock: ## after a killed run, when Snakemake says that the folder cannot be locked
	$(SNAKEMAKE) --unlock

clean: ## remove what a run made (not .venv)
	rm -rf results scratch results-photos scratch-photos .snakemake

# `make help` lists what there is to do. Everything is installed into .venv.

PYTHON ?= python3
MODEL ?= smollm2-135m
NOTEBOOK ?= reasoning
PARAMETERS ?=
CHAPTERS := reasoning generation understanding few_shot clinical_usefulness human_eval
LIMIT ?= 0
DATASETS ?= all
BUDGET ?=
STUDY ?=
PORT ?= 0
ITEMS ?= 50
RUN ?= 1

BIN := .venv/bin
READY := .venv/.ready
SITE := runs/site
BENCH := runs/bench
CACHE := _build/.jupyter_cache
LONG := book/siblings.md
READERS := book/results.md book/solutions.md book/your-model.md
ORDER := understanding reasoning clinical_usefulness few_shot generation human_eval pages
TWO = $(MAKE) --no-print-directory -j 2 MODEL="$(MODEL)" PARAMETERS="$(PARAMETERS)"
JCACHE = $(BIN)/jcache $(1) -p $(CACHE)
EXECUTE = export OMP_NUM_THREADS=1; { echo y | $(call JCACHE,notebook) add -r myst_nb_md $(1:%=$(SITE)/%) >$(SITE)/log 2>&1 && \
	$(call JCACHE,project) execute -e local-parallel -t 3600 >>$(SITE)/log 2>&1; } || { cat $(SITE)/log; exit 1; }

# a terminal for the progress bars of notebooks, if there is one
export BENCHHEALTH_TERMINAL ?= $(shell tty <&2 2>/dev/null | grep '^/' || true)

.DEFAULT_GOAL := help
.PHONY: help setup weights book answers pages test lint format clean run chapter rate reproduce verify audit bench

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /	/' | expand -t 12

setup: $(READY) weights ## install everything into .venv and fetch the embedded model

$(READY): pyproject.toml constraints.txt
	@echo "Installing the pinned packages into .venv (once; some minutes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; name one with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[all]'
	@touch $(READY)

weights: $(READY)
	@$(BIN)/python -m benchhealth_utils weights

# Side by side: pages beside what is asked beforehand, then all that reads the answers, chapters
# first. The build takes pages from the cache, and would execute one that is not in it.
book: PARAMETERS := $(or $(PARAMETERS),-p limit 2)
book: setup ## execute the chapters with MODEL, 2 items a data set, and build the book, strictly
	@$(BIN)/python book/stage.py $(SITE) --repository "$(REPOSITORY)"
	@rm -rf $(CACHE)
	@echo "Executing pages and chapters with $(MODEL), $(PARAMETERS)"
	+@$(TWO) answers pages
	+@$(TWO) $(ORDER:%=executed-%)
	@$(BIN)/jupyter-book build $(SITE) --path-output . --all -W -n --keep-going
	@echo "The book is in _build/html/index.html"

answers: # of all that the book asks
	@$(BIN)/python book/ask.py $(MODEL) $(PARAMETERS)

pages: # the longest first; not those that read answers, or what chapters record
	@$(call EXECUTE,$(LONG) $(filter-out $(LONG) $(READERS),$(shell grep -l '{code-cell}' book/*.md)))

executed-pages: $(CHAPTERS:%=executed-%)
	@$(call EXECUTE,$(READERS))

executed-%:
	@OMP_NUM_THREADS=1 $(BIN)/papermill --no-progress-bar notebooks/$*.ipynb $(SITE)/notebooks/$*.ipynb \
		$(if $(filter human_eval,$*),,-p model $(MODEL) $(PARAMETERS))
	@echo "  $*"

test: setup ## run the tests, two files at a time
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: $(READY) ## check style, and that notebooks carry no outputs
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/nbstripout --verify notebooks/*.ipynb

format: $(READY)
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format . && $(BIN)/nbstripout notebooks/*.ipynb

chapter:
	@test -f "notebooks/$(NOTEBOOK).ipynb" || \
		{ echo "There is no chapter '$(NOTEBOOK)'. Known: $(CHAPTERS)"; exit 1; }

run: chapter setup ## one chapter: make run NOTEBOOK=reasoning MODEL=hf:... PARAMETERS="-p limit 0"; else with smollm2-135m
	@mkdir -p runs
	@$(BIN)/papermill notebooks/$(NOTEBOOK).ipynb runs/$(NOTEBOOK).ipynb \
		$(if $(filter human_eval,$(NOTEBOOK)),,-p model $(MODEL)) $(PARAMETERS)
	@echo "The executed notebook is runs/$(NOTEBOOK).ipynb"

rate: $(READY) ## serve the rating page of a study: make rate STUDY=folder PORT=8866
	@test -n "$(STUDY)" || { echo "Name the study: make rate STUDY=<folder, or a name below runs/human_eval>"; exit 2; }
	@$(BIN)/python -m benchhealth_utils human-eval rate "$(STUDY)" --port $(PORT)

reproduce: setup ## all chapters for MODEL (else the small smollm2-135m) into runs/<model>/, and its row of Table 5; LIMIT=0 takes all items, BUDGET=<dollars a chapter at most>
	@echo "Running the chapters with $(MODEL)$(if $(filter file,$(origin MODEL)),; another one: make reproduce MODEL=<model>)"
	@$(BIN)/python -m benchhealth_utils run $(MODEL) --limit $(LIMIT) --datasets "$(DATASETS)" $(if $(BUDGET),--budget "$(BUDGET)")

verify: $(READY) ## work out every published number again; from the official data where BENCHHEALTH_DATA has them
	@$(BIN)/python tools/verify.py

audit: $(READY) ## published numbers that this version would read otherwise; needs the official data
	@$(BIN)/python tools/verify.py audit

bench: setup ## CPU-seconds beside lm-evaluation-harness and an earlier commit, into data/bench/: make bench ITEMS=50 RUN=2
	@test -x $(BENCH)/venv/bin/python || $(PYTHON) -m venv $(BENCH)/venv
	@$(BENCH)/venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt 'lm-eval[hf]==0.4.13'
	@test -d $(BENCH)/before || git worktree add --quiet --detach $(BENCH)/before a666cff
	@cd $(BENCH)/before && $(CURDIR)/$(BIN)/python -m benchhealth_utils.backends.embedded
	@OMP_NUM_THREADS=1 $(BIN)/python tools/bench.py --items $(ITEMS) --run $(RUN) --rival $(BENCH)/venv/bin/python --before $(BENCH)/before

clean: ## remove what was built; .venv, downloaded data and stored answers stay
	@rm -rf _build $(SITE) .pytest_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

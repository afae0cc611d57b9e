# Every command of the project. They make .venv first where it is missing or behind its lock; see config/bootstrap.py.

PYTHON ?= python3
UV ?= uv
ARGS ?=
# Processes for the tests. Each makes a database of its own.
JOBS ?= 2

VENV := .venv/bin/python
RUN := @$(PYTHON) -I config/bootstrap.py run &&
DEV := @$(PYTHON) -I config/bootstrap.py dev &&
BENCH := @$(PYTHON) -I config/bootstrap.py bench &&
# What each bench takes, where the variable is set: make bench-import FILE=papers.jsonl JSON=result.json
BENCH_ARGS = $(if $(FILE),--file "$(FILE)") $(if $(PAPERS),--papers "$(PAPERS)") $(if $(JSON),--json "$(JSON)") $(ARGS)

# Where it is set, each of the hundreds of processes that the tests start compiles all of our modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run lint test check storm fuzz e2e e2e-all bench bench-import bench-pages bench-search bench-digests bench-topics bench-trending bench-recommend bench-hostile bench-triage bench-memory train-roles lock audit

help:
	@echo "make run           start Broadsheet (http://127.0.0.1:8000, or PORT=…); Ctrl-C stops it"
	@echo "make test          all tests; ARGS=\"-k votes\" for some of them"
	@echo "make lint          style, types, imports between packages, templates, migrations"
	@echo "make check         lint, then the tests"
	@echo "make e2e           the browser journeys, in the system's Chromium"
	@echo "make e2e-all       every page at every width, light and dark, signed in and out"
	@echo "make storm         the tests that take long: sources that lie, through whole days; ten minutes of kills"
	@echo "make fuzz          random inputs for the API and all readers of what strangers write; SECONDS=3600"
	@echo "make bench         all measurements at SIZES=\"10000 100000 1000000\" papers of FILE=…, into docs/benchmarks.md"
	@echo "                   bench-import FILE=… and bench-pages PAPERS=… READERS=… for one of them, JSON=… to keep"
	@echo "make bench-search  how good search is, on SETS=\"DIR DIR …\" of questions with answers; CACHE=DIR keeps vectors"
	@echo "                   with PAPERS=… FILE=… VECTORS=… how long a search takes among so many papers"
	@echo "make bench-recommend  how good the suggestions of For you are: FILE=… VECTORS=… CACHE=DIR"
	@echo "                   with PAPERS=… READERS=… how long they take to work out"
	@echo "make bench-memory  what a whole installation takes, process by process; LIMIT=2048 (MB) puts it under a limit"
	@echo "make train-roles  the weights of the classifier of sentence roles, from bench/roles/labels.jsonl, and how good it is"
	@echo "make lock          resolve requirements/*.in anew (needs uv); UPGRADE=--upgrade for the newest of each line"
	@echo "make audit         licences, and known vulnerabilities where pip-audit is installed and reaches its data"
	@echo "PYTHON=python3.12  with any of them: another Python"

run:
	$(RUN) exec $(VENV) manage.py up

test:
	$(DEV) exec $(VENV) -m pytest -n $(JOBS) --dist loadgroup -m "not e2e and not long" $(ARGS)

lint:
	$(DEV) $(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@$(VENV) -m mypy
	@.venv/bin/lint-imports
	@find templates -name "*.html" | xargs .venv/bin/djade --check --target-version 5.2
	@$(VENV) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

check: lint test

# Tests that take long: all ways in which the sources may lie, through whole days; kill -9 of everything for ten minutes.
storm:
	$(DEV) exec $(VENV) -m pytest -n $(JOBS) -m long $(ARGS)

# Random inputs for all patterns and readers: make fuzz SECONDS=3600
fuzz:
	$(DEV) API_EXAMPLES=100 $(VENV) -m pytest -n $(JOBS) -q tests/fuzz/test_api_fuzz.py
	@exec $(VENV) -m tests.fuzz $(if $(SECONDS),--seconds "$(SECONDS)") $(ARGS)

# What takes times has the machine to itself.
MEASURING := tests/e2e/test_curating.py tests/e2e/test_slow_uploads.py

e2e:
	$(DEV) $(VENV) -m pytest -m "e2e and not e2e_all" $(ARGS) $(MEASURING) || [ $$? = 5 ]  # 5: none chosen
	@$(VENV) -m pytest -n $(JOBS) --dist loadfile -m "e2e and not e2e_all" $(ARGS) $(MEASURING:%=--ignore=%) tests/e2e

e2e-all:
	$(DEV) exec $(VENV) -m pytest -n $(JOBS) -m e2e_all $(ARGS) tests/e2e

# All of it at growing sizes, into docs/benchmarks.md: make bench FILE=papers.jsonl.xz SIZES="10000 100000 1000000"
bench:
	$(DEV) exec $(VENV) -m bench.report $(if $(FILE),--file "$(FILE)") $(if $(SIZES),--sizes $(SIZES)) $(if $(FOLDER),--folder "$(FOLDER)") $(ARGS)

bench-import:
	$(DEV) exec $(VENV) -m bench.import_papers $(BENCH_ARGS)

bench-pages:
	$(DEV) exec $(VENV) -m bench.pages $(if $(READERS),--readers "$(READERS)") $(BENCH_ARGS)

# With PAPERS how long a search takes, else how good it is.
bench-search:
ifdef PAPERS
	$(DEV) exec $(VENV) -m bench.search_speed $(if $(VECTORS),--vectors "$(VECTORS)") $(BENCH_ARGS)
else
	$(BENCH) exec $(VENV) -m bench.search $(if $(SURVIVAL),--survival "$(SURVIVAL)") $(if $(BEFORE),--before "$(BEFORE)") $(if $(CACHE),--cache "$(CACHE)") $(if $(VECTORS),--vectors "$(VECTORS)") $(if $(JSON),--json "$(JSON)") $(ARGS) $(SETS)
endif

bench-digests:
	$(DEV) exec $(VENV) -m bench.digests $(if $(JSON),--json "$(JSON)") $(ARGS)

bench-topics:
	$(DEV) exec $(VENV) -m bench.topics $(if $(TOPICS),--topics "$(TOPICS)") $(BENCH_ARGS)

# Attackers beside two readers: make bench-hostile MINUTES=60
bench-hostile:
	$(DEV) exec $(VENV) -m bench.hostile $(if $(MINUTES),--minutes "$(MINUTES)") $(if $(FILE),--file "$(FILE)") $(ARGS)

# Process by process, under a day's load and at rest: make bench-memory LIMIT=2048
bench-memory:
	$(DEV) exec $(VENV) -m bench.memory $(if $(LIMIT),--limit "$(LIMIT)") $(BENCH_ARGS)

# What a reader of 197 papers waits for, and the keys and clicks of ten tasks; needs Chromium.
bench-triage:
	$(DEV) exec $(VENV) -m bench.triage $(BENCH_ARGS)

bench-trending:
	$(DEV) exec $(VENV) -m bench.trending $(BENCH_ARGS)

# With READERS how long it takes to work out so many readers' suggestions among PAPERS papers, else how good they are.
bench-recommend:
ifdef PAPERS
	$(DEV) exec $(VENV) -m bench.recommend_speed $(if $(VECTORS),--vectors "$(VECTORS)") $(if $(READERS),--readers "$(READERS)") $(BENCH_ARGS)
else
	$(BENCH) exec $(VENV) -m bench.recommend $(if $(VECTORS),--vectors "$(VECTORS)") $(if $(CACHE),--cache "$(CACHE)") $(BENCH_ARGS)
endif

# What a sentence of an abstract is for: the weights from the labels, and how good they are on papers not seen.
train-roles:
	$(DEV) exec $(VENV) -m bench.roles.train $(if $(JSON),--json "$(JSON)") $(ARGS)

lock:
	$(UV) pip compile --universal --python-version 3.11 --no-emit-index-url --generate-hashes $(UPGRADE) \
		--custom-compile-command "make lock" requirements/run.in -o requirements/run.txt
	$(UV) pip compile --universal --python-version 3.11 --no-emit-index-url --generate-hashes $(UPGRADE) \
		--custom-compile-command "make lock" requirements/monitoring.in -o requirements/monitoring.txt
	$(UV) pip compile --universal --python-version 3.11 --no-emit-index-url --generate-hashes $(UPGRADE) \
		--custom-compile-command "make lock" requirements/dev.in -o requirements/dev.txt
	$(UV) pip compile --universal --python-version 3.11 --no-emit-index-url --generate-hashes $(UPGRADE) \
		--custom-compile-command "make lock" requirements/bench.in -o requirements/bench.txt

audit:
	$(DEV) exec $(VENV) -m tests.support.audit

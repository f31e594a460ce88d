# make demo   a portrait says one sentence in six emotions: build/demo.mp4 and build/demo.png
# make app    a page in the browser: a face of your choice speaks
# make web    the same without a server, for any static host: build/web (needs Node.js 20 with npm)
# make test   everything that CI runs
# make quick  what to run while you work: style, types and the quick tests, under 90 s
# All need Python 3.11 to 3.13 and make, install what they need into .venv, and skip what is done already.

SHELL := bash
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := dev,course,app,voice,align,automl,export
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; then echo $$p; break; fi; done)
WORKERS ?= 2
SOURCES := $(wildcard tfg/*.py tfg/*/*.py data/audio/*.wav data/faces/*.jpg data/head/* data/mouth/*)

# step NAME COMMAND...: says what it does and how long it took; timed: seconds since $$start
define STEP
set -euo pipefail; start=$$SECONDS; \
step() { echo; echo "==> $$1"; shift; local from=$$SECONDS; "$$@" || return; echo "    done in $$((SECONDS - from)) s"; }
endef

# What a fresh clone has: no web (tests/offline), no ../shared, no mirror, nothing that was fetched before.
ALONE := PYTHONPATH="$$PWD/tests/offline" TFG_SHARED="$$PWD/build/alone/shared" TFG_MIRROR= \
	TFG_CACHE="$$PWD/build/alone/cache" TORCH_HOME="$$PWD/build/alone/torch"
# Test files that take a second or two each, of every room: what `make quick` runs.
QUICK := $(addprefix tests/test_,$(addsuffix .py,$(shell sed 's/\#.*//' tests/quick.txt)))

IN_BROWSER := $(wildcard tests/test_*_browser.py)
# A Chromium and npm: what the browser tests of the static page need.
BROWSER := $(and $(shell command -v npm),$(or $(TFG_CHROMIUM),$(shell command -v chromium chromium-browser google-chrome)))

.PHONY: help demo app web test test-offline explorers explorers-7 quick lint types pytest pytest-browser pytest-quick notebooks-run \
	notebooks-open notebooks-solved notebooks-cpu notebooks site docs wheel colab bench address constraints clean
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile
	@echo "make test-offline  the same as on a fresh clone without web, ../shared and mirror"
	@echo "make explorers     every explorer of every chapter in JupyterLab and Voila (needs Chromium); explorers-7: ipywidgets 7.7"
	@echo "make notebooks-cpu every chapter in profile cpu: minutes and memory beside what it states; pages: build/weekly"
	@echo "make lint, types   style (ruff, nbstripout); types (mypy)"
	@echo "make notebooks     regenerate notebooks/ and tfg/course/solved from solutions/"
	@echo "make site          the course as a site, chapters executed (PROFILE=cpu or ci): build/site/index.html"
	@echo "make docs          the same without running a chapter, so without figures: build/docs/index.html"
	@echo "make wheel         build/dist/tfg-*.whl"
	@echo "make colab         rehearse Colab: its versions, the wheel, three chapters without the web, a disconnection"
	@echo "make address       write the repository's address and release (pyproject.toml) into notebooks and others"
	@echo "make bench         measure the figures that the README quotes"
	@echo "make constraints   write constraints.txt anew (maintainers)"
	@echo "make clean         remove .venv and build"

# ---- installing -------------------------------------------------------------------------------------------------
$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 was found; install one, or say make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) tools/check_system.py
	@$(STEP); step "making $(VENV) with $$($(PYTHON) --version)" $(PYTHON) -m venv $(VENV) \
		|| { echo "python -m venv failed; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@touch $@

$(VENV)/.core: $(VENV)/.made pyproject.toml constraints.txt
	@$(STEP); step "installing tfg and what it needs (some minutes the first time)" \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check $$($(PYTHON) tools/check_system.py --pip) \
		-c constraints.txt -e .
	@touch $@

$(VENV)/.app: $(VENV)/.core
	@$(STEP); step "installing what the app needs" \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check $$($(PYTHON) tools/check_system.py --pip) \
		-c constraints.txt -e ".[app,voice]"
	@touch $@

$(VENV)/.web: $(VENV)/.core
	@$(STEP); step "installing what writes the networks" \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check $$($(PYTHON) tools/check_system.py --pip) \
		-c constraints.txt -e ".[export]"
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@$(STEP); step "installing the test tools" \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check $$($(PYTHON) tools/check_system.py --pip) \
		-c constraints.txt -e ".[$(EXTRAS)]"
	@touch $@

# ---- the two commands -------------------------------------------------------------------------------------------
demo: build/demo.mp4
	@echo "Look at build/demo.mp4 and build/demo.png."

build/demo.mp4: $(VENV)/.core $(SOURCES)
	@$(STEP); step "animating: one portrait, one sentence, six emotions" $(BIN)/tfg demo --out-dir build

app: $(VENV)/.app
	@$(BIN)/tfg app

# ---- the static page --------------------------------------------------------------------------------------------
web: build/web/index.html
	@echo "Put build/web on any static host, or look at it here: $(BIN)/python -m http.server -d build/web, then http://localhost:8000"

build/web-model/page.json: $(VENV)/.web tfg/systems/expression/export.py tfg/systems/expression/onnx_parts.py \
		$(wildcard tfg/head/*.py data/head/* data/expnet/* data/posevae/* data/emotion_add/*)
	@$(STEP); rm -rf build/web-model; step "writing the networks" $(BIN)/tfg export onnx --out build/web-model
	@cp "$$($(BIN)/python -c 'from tfg.faces.models import face_landmarker_path; print(face_landmarker_path())')" build/web-model/

web/node_modules/.package-lock.json: web/package-lock.json
	@command -v npm >/dev/null || { echo "npm was not found; install Node.js 20 or newer, which brings it."; exit 1; }
	@$(STEP); cd web; step "installing npm's packages" npm ci

build/web/index.html: build/web-model/page.json web/node_modules/.package-lock.json \
		$(wildcard web/*.* web/src/* tfg/app/web/* data/faces/*.jpg data/audio/*.wav)
	@$(STEP); step "building the page" node web/build.mjs --model build/web-model --data data --app tfg/app/web --out build/web

# ---- tests ------------------------------------------------------------------------------------------------------
test: $(VENV)/.dev
	@$(STEP); export OMP_NUM_THREADS=1 MPLBACKEND=agg; mkdir -p build; \
	step "style" $(MAKE) --no-print-directory lint; \
	$(if $(BROWSER),$(MAKE) --no-print-directory web || echo "    the page cannot be built here: its browser tests are skipped";) \
	step "types, and tests of the library" $(MAKE) --no-print-directory -j2 types pytest; \
	step "pages, the app and explorers in a browser" $(MAKE) --no-print-directory pytest-browser; \
	step "the notebooks" $(MAKE) --no-print-directory notebooks-run; \
	echo; echo "make test: everything passed in $$((SECONDS - start)) s"

# As on a machine with nothing but the package index; GitHub's machines are such, so there this is `make test` again.
test-offline: $(VENV)/.dev
	@rm -rf build/alone; env $(ALONE) $(MAKE) --no-print-directory test

# Every explorer of every chapter in a browser; `make test` runs them, too. Screenshots: build/screens.
explorers: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup tests/test_explorers_browser.py

# The same with ipywidgets 7.7, which hosted notebooks have, and the JupyterLab and Voila that suit it: an environment that holds
# these few and takes all else from $(VENV). (Voila and nbconvert look for their templates beside the interpreter.)
IPYWIDGETS7 := build/ipywidgets7
$(IPYWIDGETS7)/.made: $(VENV)/.dev
	@$(STEP); make_it() { $(BIN)/python -m venv $(IPYWIDGETS7); \
		$(BIN)/python -c "import site; print(site.getsitepackages()[0])" > $(IPYWIDGETS7)/below; \
		mv $(IPYWIDGETS7)/below "$$($(IPYWIDGETS7)/bin/python -c 'import site; print(site.getsitepackages()[0])')/below.pth"; \
		pip() { $(IPYWIDGETS7)/bin/python -m pip install --quiet --disable-pip-version-check "$$@"; }; \
		pip ipywidgets==7.7.1 jupyterlab==3.6.8 jupyterlab_widgets==1.1.11; \
		pip --no-deps --ignore-installed voila==0.4.6 nbconvert; }; \
	step "making an environment with ipywidgets 7.7" make_it
	@touch $@

explorers-7: $(IPYWIDGETS7)/.made
	@TFG_JUPYTER_PYTHON=$$PWD/$(IPYWIDGETS7)/bin/python TFG_SCREENS=screens7 \
		$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup tests/test_explorers_browser.py

quick: $(VENV)/.dev
	@$(STEP); export OMP_NUM_THREADS=1 MPLBACKEND=agg; \
	step "style" $(MAKE) --no-print-directory lint; \
	step "types" $(MAKE) --no-print-directory types; \
	step "quick tests" $(MAKE) --no-print-directory pytest-quick; \
	echo; echo "make quick: everything passed in $$((SECONDS - start)) s"

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/nbstripout --keep-id --verify --extra-keys metadata.widgets solutions/*.ipynb notebooks/*.ipynb

types: $(VENV)/.dev
	@$(BIN)/mypy

pytest: $(VENV)/.dev
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q $(addprefix --ignore=,$(IN_BROWSER)) tests

# After the library's tests, not beside them: a page that plays a sound needs its core. All are skipped without a browser.
pytest-browser: $(VENV)/.dev
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -q $(IN_BROWSER)

pytest-quick: $(VENV)/.dev
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -q -m "not slow" $(QUICK)

# Learners' notebooks run green from day one, and solutions pass their own checks. The two folders differ in the solutions
# alone, so each solved chapter runs under papermill, which sets PROFILE, and some open ones under nbval, which sees errors
# inside widgets, too.
# One folder after the other, each on all workers, the longest chapters (the later ones) first; both find the clips that
# several chapters share (tfg/course/clips.py) in one cache.
# All on what a fresh clone has: a chapter that asks the web for something in profile ci fails here.
notebooks-run: $(VENV)/.dev
	@rm -rf build/alone; $(ALONE) TFG_PROFILE=ci PATH="$$PWD/$(BIN):$$PATH" \
		$(MAKE) --no-print-directory notebooks-open notebooks-solved

# Chapters of notebooks/ that run whole: some here, all of them in the weekly job (OPEN=all). The others differ from the solved
# ones, which all run, in their open exercises alone, and those run in tests/test_notebooks_open.py.
OPEN ?= 00 03 07 11 15

notebooks-open: $(VENV)/.dev
	@$(STEP); step "notebooks/ under nbval" $(BIN)/python -m pytest -q --nbval-lax --nbval-current-env \
		--nbval-cell-timeout=300 -p no:cacheprovider -n $(WORKERS) --dist loadscope \
		$(if $(filter all,$(OPEN)),notebooks,$(foreach n,$(OPEN),$(wildcard notebooks/$(n)_*.ipynb)))

notebooks-solved: $(VENV)/.dev
	@$(STEP); export TFG_STRICT=1; mkdir -p build/papermill; \
	run() { find solutions -maxdepth 1 -name '*.ipynb' | sort -r | sed 's|.*/||' | xargs -P $(WORKERS) -I{} \
		$(BIN)/papermill --no-progress-bar --no-log-output -k python3 -p PROFILE ci solutions/{} build/papermill/{}; }; \
	step "solutions/ under papermill, strict" run

# What .github/workflows/weekly.yml runs: every chapter as learners run it, on what a fresh clone has. ONLY=08: one chapter.
notebooks-cpu: $(VENV)/.dev
	@rm -rf build/alone; $(ALONE) PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python -m tools.weekly --profile cpu --only "$(ONLY)"

# ---- for authors ------------------------------------------------------------------------------------------------
notebooks: $(VENV)/.dev
	@$(BIN)/jupyter nbconvert --config tools/student.py --output-dir notebooks solutions/*.ipynb
	@$(BIN)/python -m tools.solved

# Links are checked strictly: a page that names what is not there stops the build. EXECUTED names a folder of chapters that
# were executed already, as `make test` leaves them in build/papermill.
PROFILE ?= cpu
site: $(VENV)/.dev
	@$(BIN)/python -m tools.site --profile $(PROFILE) $(if $(EXECUTED),--executed $(EXECUTED))

docs: $(VENV)/.dev
	@$(BIN)/python -m tools.site --executed solutions --out build/docs

wheel: $(VENV)/.dev
	@$(BIN)/python -m build --wheel --no-isolation --outdir build/dist .

# Fetches Colab's versions of some packages; from then on without the web.
colab: wheel
	@$(BIN)/python -m tools.colab_rehearsal $(COLAB)

address: $(VENV)/.dev
	@$(BIN)/python -m tools.address

bench: $(VENV)/.dev
	@$(BIN)/python -m tools.bench

constraints: $(VENV)/.made
	@mkdir -p build && $(BIN)/python tools/constraints.py > build/constraints.txt && mv build/constraints.txt constraints.txt

clean:
	rm -rf $(VENV) build

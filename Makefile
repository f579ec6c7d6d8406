# Every target sets up what it needs, from the package registries alone; nothing has to be installed by hand but
# Python 3.11 or newer, with venv, and make.
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .venv/bin/uv
RUN := .venv/bin

.PHONY: help demo test lint synth bootstrap deploy bench guard chaos drops failover rude phones endurance following after costs image-test clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

demo: .venv/.run .venv-aws/.ready ## a simulated call, from webhook to words, on this machine
	@$(RUN)/callscribe demo

test: .venv/.dev .venv-aws/.ready .venv/.browser .venv/.cdk ## everything, the locally deployed stack included
	@$(RUN)/pytest -n 2 --dist loadgroup

lint: .venv/.dev ## style, types, imports
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy

synth: .venv/.run ## the CloudFormation templates, into cdk.out
	@$(RUN)/python app.py

bootstrap: .venv/.cdk ## once an AWS account and region: what CDK needs there
	@$(RUN)/python -m infra.cdk_cli bootstrap -c bundle=none $(CDK_FLAGS)

deploy: .venv/.cdk ## the stacks, into your AWS account: STAGE=prod CDK_FLAGS="-c tasks=2 --profile NAME"
	@$(RUN)/python -m infra.cdk_cli deploy --all $(if $(STAGE),-c stage=$(STAGE)) $(CDK_FLAGS)

bench: .venv/.dev .venv-peers/.ready ## what a call costs, beside other bridges, and the delay added, into docs/performance.md (25 minutes; QUICK=1: two)
	@$(RUN)/python -m bench $(if $(QUICK),--quick)

guard: .venv/.dev ## whether the bridge became dearer, in instructions that valgrind counts (KEEP=1: keep what it takes now)
	@$(RUN)/python -m bench.guard $(if $(KEEP),--keep)

chaos: .venv/.dev ## 10,000 calls with faults by seed, loss counted to the byte; then the parsers, fuzzed for minutes
	@$(RUN)/python -m bench.chaos --calls $(or $(CALLS),10000) --seed $(or $(SEED),1)
	@$(RUN)/python -m bench.chaos.forks --calls $(or $(FORKS),440) --seed $(or $(SEED),1)
	@HYPOTHESIS_PROFILE=long $(RUN)/pytest -n 2 -q -k fuzz tests

drops: .venv/.dev ## what a dropped Gladia socket costs a call, in real time, beside the figures of others
	@$(RUN)/python -m bench.drops

failover: .venv/.dev ## two bridges of which one is killed, told to go, both replaced, or bereft of their media streams, with 20 live calls
	@$(RUN)/python -m bench.failover --calls $(or $(CALLS),20)

rude: .venv/.dev ## what peers that misbehave cost the calls beside them
	@$(RUN)/python -m bench.rude

phones: .venv/.dev ## calls by SIPp and baresip (Debian: sip-tester, baresip-core; needs root), over RTP with and without loss
	@$(RUN)/python -m bench.phones

endurance: .venv/.dev ## an hour of 100 calls beside a subscriber who never reads and a DynamoDB that throttles
	@$(RUN)/python -m bench.endurance

following: .venv/.dev .venv-aws/.ready .venv/.browser ## a client cut off a thousand times, 500 subscribers on one call, partials of 50 calls
	@$(RUN)/python -m bench.following

after: .venv/.dev ## how long a call of three hours takes to finish, and searches over 100,000 calls
	@$(RUN)/python -m bench.finish
	@$(RUN)/python -m bench.search

costs: .venv/.dev ## what an hour of calls costs and what limits it, into docs/costs.md
	@$(RUN)/python -m bench.costs

image-test: .venv/.dev .venv-aws/.ready ## the bridge's image: built without Docker, started as on AWS, a call placed (needs root, buildah)
	@$(RUN)/python -m bench.image $(if $(BASE),--base $(BASE))

clean: ## forget what was set up here
	rm -rf .venv .venv-aws .venv-peers cdk.out .callscribe

$(UV):
	@echo "setting up Python packages, about 1.2 GB on disk"
	@$(PYTHON) -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.run: $(UV) pyproject.toml uv.lock
	@$(UV) sync --quiet --frozen --inexact --group functions --group bridge --group infra --group local
	@touch $@

.venv/.dev: .venv/.run
	@$(UV) sync --quiet --frozen --inexact --all-groups --no-group aws
	@touch $@

# A Chromium of its own, for the page's tests.
.venv/.browser: .venv/.dev bench/browser.py
	@$(RUN)/python -m bench.browser
	@touch $@

# CDK's command line, run by the Node that CDK itself runs on.
.venv/.cdk: .venv/.run infra/cdk_cli.py
	@$(RUN)/python -c "from infra.cdk_cli import PACKAGE; PACKAGE.kept()"
	@touch $@

# The local AWS has an environment of its own, so that a function there sees only its bundle, as in Lambda. What Lambda
# brings is compiled, and else the first `make demo` would compile it.
.venv-aws/.ready: $(UV) pyproject.toml uv.lock
	@UV_PROJECT_ENVIRONMENT=.venv-aws $(UV) sync --quiet --frozen --compile-bytecode --only-group aws --python .venv/bin/python
	@touch $@

# The bridges that ours is measured beside have their own versions of what we use.
.venv-peers/.ready: $(UV) bench/peers/requirements.txt
	@$(UV) venv --quiet --clear --python .venv/bin/python .venv-peers
	@$(UV) pip install --quiet --python .venv-peers/bin/python --requirements bench/peers/requirements.txt
	@touch $@

# SPDX-License-Identifier: MIT OR Apache-2.0
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory

.PHONY: help setup run test test-neon lint bench deploy-check

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## */\1|/p' Makefile | while IFS='|' read -r t d; do printf '  make %-12s %s\n' "$$t" "$$d"; done

setup: ## install what is missing to build, and only that
	@scripts/setup.sh

run: setup ## build, then transcode a real clip from samples/
	@. scripts/env.sh && cargo build --release -p framemill -p framemill-function -p framemill-worker
	@scripts/demo.sh

test: setup ## run every test; ARGS='name' picks some
	@scripts/test.sh $(ARGS)

test-neon: setup ## run the kernels' tests for AArch64, under emulation
	@scripts/neon.sh

lint: setup ## formatting, clippy, templates, dependency licences
	@scripts/lint.sh

deploy-check: setup ## bring up deploy/template.yaml in ministack, run jobs on it, compare rights
	@. scripts/env.sh && cargo build --release --workspace --bins
	@scripts/deploy-check.sh

bench: setup ## run every benchmark; ARGS='name' picks some
	@. scripts/env.sh && cargo bench -p framemill-benches $(if $(ARGS),-- $(ARGS))

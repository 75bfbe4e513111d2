# Sandpiper. `make` lists the targets; CONTRIBUTING notes are in README.md.

.DEFAULT_GOAL := help
SHELL := /bin/sh

GO         ?= go
ARGS       ?=
VERSION    := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS    := -s -w -X main.version=$(VERSION)
GO_SOURCES  = $(shell find . -name '*.go' -not -path '*/node_modules/*')

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## set everything up, build and serve (ARGS="--listen 127.0.0.1:9000")
	bin/sandpiper serve $(ARGS)

.PHONY: build
build: setup ## build bin/sandpiper and bin/toolboxd
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/sandpiper .
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/toolboxd ./sandbox/toolbox/toolboxd

.PHONY: docker
docker: ## install and start Docker where it is missing, and make the images of sandboxes
	runtimes/docker/setup/engine
	runtimes/docker/setup/images desktop

.PHONY: compilers
compilers: static/node_modules/.package-lock.json ## make Go, C and C++ languages of the next build: minutes, and 55 MB more in the program
	$(GO) run ./runtimes/catalog/mkmodules -compilers

.PHONY: gvisor
gvisor: ## build gVisor and register it with Docker: sandboxes with a kernel of their own
	runtimes/docker/setup/gvisor

.PHONY: test
test: build e2e/node_modules/.package-lock.json ## set everything up and run every test
	@.ci/system-packages chromium
	@.ci/system-packages ssh
	@.ci/tests

.PHONY: conformance
conformance: build ## call every operation of the Daytona API and print what works
	$(GO) run ./e2e/conformance -server bin/sandpiper $(ARGS)

.PHONY: bench
bench: build e2e/node_modules/.package-lock.json ## print the benchmark table
	$(GO) run ./e2e/bench -server bin/sandpiper
	@$(GO) run ./static/build | tail -n 1

.PHONY: check
check: ## format, vet, lint, cross-compile, generated code
	@test -z "$$(gofmt -l $(GO_SOURCES))" || { echo "gofmt is needed on:"; gofmt -l $(GO_SOURCES); exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) vet ./sandbox ./sandbox/scheduler ./runtimes/... ./web/...
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) vet ./sandbox ./sandbox/scheduler ./runtimes/... ./web/...
	cd components && $(GO) tool templ generate
	git diff --exit-code -- '*_templ.go'

.PHONY: race
race: setup ## run the tests of the concurrent packages under the race detector
	$(GO) test -race ./sandbox/... ./web/... ./runtimes/wasm/vm/... ./runtimes/wasm/jail/...

.PHONY: setup
setup: static/node_modules/.package-lock.json ## install packages, build modules and pages (the other targets call it)
	$(GO) run ./runtimes/catalog/mkmodules
	$(GO) run ./static/build

.PHONY: clean
clean: ## delete everything that was built or installed
	rm -rf bin static/node_modules e2e/node_modules
	find static/dist runtimes/catalog/modules -mindepth 1 -not -name .keep -delete

# npm writes this file last, so it stands for a whole installation.
%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	@.ci/system-packages node
	npm ci --prefix $* --no-audit --no-fund --ignore-scripts
	@touch $@

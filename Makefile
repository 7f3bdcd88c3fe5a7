# Parley. Type make to see the targets.

# nolibopusfile: of the Opus library only the codec is used.
# migrated_fynedo: the window obeys Fyne's rule for threads by construction.
TAGS     = nolibopusfile migrated_fynedo
# The packages that test, race, lint and fuzz look at.
PKGS     = ./...
FUZZTIME = 60s
VERSION  = $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

export GOFLAGS = -tags=nolibopusfile,migrated_fynedo

TOOL     = go tool -modfile=tools/go.mod
CHECKS   = inherit,ST1000,ST1016,ST1020,ST1021,ST1022
BINARY   = build/phone$$(go env GOEXE)

# The race detector slows all down and sound keeps real time, so what listens to a
# sound server goes alone, after the others.
SOUND    = parley/media/device
RACE     = all=$$(sh tools/packages.sh race $(PKGS)) && \
	rest=$$(echo "$$all" | grep -v '^$(SOUND)$$' || true) && \
	if [ -n "$$rest" ]; then go test -timeout 30m -race $$rest; fi && \
	if [ "$$rest" != "$$all" ]; then sh tools/again.sh -timeout 30m -race $(SOUND); fi

# Each target is a sequence; the tools run in parallel by themselves.
.NOTPARALLEL:

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
		while IFS='|' read -r target text; do printf '  make %-8s %s\n' "$$target" "$$text"; done

.PHONY: run
run: build ## install what is missing, build, and open the window (ARGS="…" are handed on)
	@$(BINARY) $(ARGS)

.PHONY: build
build: ## install what is missing and build build/phone
	@sh packaging/deps.sh build
	go build -ldflags "-X main.version=$(VERSION)" -o $(BINARY) ./cmd/phone

.PHONY: test
test: deps lint cross ## install the test peers, then run every check and every test
	@echo '== go test -race, all packages without a window'
	@$(RACE)
	@echo '== go test'
	@go test -timeout 30m $$(go list $(PKGS) | grep -v '^parley/test/')
	@peers=$$(go list $(PKGS) | grep '^parley/test/' || true); if [ -n "$$peers" ]; then \
		echo '== go test, against real peers, one package at a time' && \
		sh tools/again.sh -p 1 -count=1 -timeout 30m $$peers; fi

.PHONY: deps
deps: ## install what building and testing need
	@sh packaging/deps.sh test

.PHONY: race
race: ## run the tests of all packages without a window under the race detector
	@$(RACE)

.PHONY: lint
lint: ## check formatting, go vet and staticcheck
	@echo '== gofumpt'
	@unformatted=$$($(TOOL) gofumpt -l $$(go list -e -f '{{.Dir}}/*.go' $(PKGS))) && \
		if [ -n "$$unformatted" ]; then echo "not formatted by gofumpt: $$unformatted"; exit 1; fi
	@echo '== go vet'
	@go vet $(PKGS)
	@echo '== staticcheck'
	@$(TOOL) staticcheck -checks $(CHECKS) $(PKGS)

.PHONY: cross
cross: ## compile what needs no C for Windows and macOS, tests included
	@for os in windows darwin; do \
		echo "== go build and go vet for $$os" && \
		pure=$$(GOOS=$$os sh tools/packages.sh pure $(PKGS)) && \
		tests=$$(GOOS=$$os sh tools/packages.sh pure-tests $(PKGS)) && \
		CGO_ENABLED=0 GOOS=$$os go build $$pure && \
		CGO_ENABLED=0 GOOS=$$os go vet $$tests || exit 1; \
	done

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (60s)
	@sh tools/fuzz.sh $(FUZZTIME) $(PKGS)

.PHONY: mutate
mutate: ## break each rule of offer and answer once; the table must notice
	@GOFLAGS=$(GOFLAGS),mutate go test -count=1 -timeout 30m -run '^TestMutations$$' ./sip/sdp

.PHONY: bench
bench: deps ## measure beside baresip and write docs/BENCHMARKS.md; wants a quiet machine for about 12 minutes
	@PARLEY_BENCH=$(CURDIR)/docs/BENCHMARKS.md go test -count=1 -timeout 20m -run '^TestBench$$' -v ./test/interop

.PHONY: golden
golden: ## take over the images that failed GUI tests have drawn; look at them before you commit
	@find . -type d -path '*/testdata/failed' | while read -r dir; do \
		cp -R "$$dir"/. "$$dir"/.. && rm -r "$$dir" && echo "took over $$dir"; done

.PHONY: clean
clean: ## remove what was built
	rm -rf build
	find . -type d -path '*/testdata/failed' -prune -exec rm -r {} +

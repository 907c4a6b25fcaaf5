# Every command of a developer's day. `make run` and `make test` build with one profile and one set of features,
# so that nothing is compiled twice (docs/adr/0002-build-profiles.md).
SHELL := /bin/sh
TARGET := $(or $(CARGO_TARGET_DIR),target)
TOOLS := $(abspath $(TARGET))/tools
CARGO_LAMBDA := cargo-lambda==1.9.2
LINTERS := cfn-lint==1.58.0 aws-sam-cli==1.170.0
CHECKOV := checkov==3.3.30
CARGO_DENY := 0.20.2
CARGO_CYCLONEDX := 0.5.9
DEPLOYED := $(notdir $(wildcard functions/*))
ARCHS ?= arm64 x86_64
# `TLS=1`: TLS, SCRAM and MSK by IAM to the brokers, for which OpenSSL is built once.
FEATURES := $(if $(TLS),--features stream/msk)
TESTING := PATH="$(TOOLS)/bin:$$PATH" KAFKA_JARS=$(TOOLS)/kafka LOCALSTACK_HOME=$(TOOLS)/localstack
# Takes one event at a time, so it is built for its size (Cargo.toml, docs/adr/0028-packages-in-two-profiles.md).
SMALL := stocks games exchange topics
# The folder of $arch's zips; the template deploys those of arm64.
FOLDER = target/lambda$$(echo -$$arch | sed 's/-arm64//')
# librdkafka's configure finds a compiler by itself, this machine's, unless it is told; its shared library is built too,
# by a list of symbols that names some of tests.
ZIG = $(TOOLS)/bin/cargo-lambda zig $(1) -- -fno-sanitize=all -target $${target%%-*}-linux-gnu
PACKAGE = PATH="$(TOOLS)/bin:$$PATH" HOST_CC=cc HOST_CXX=c++ CC="$(call ZIG,cc)" CXX="$(call ZIG,c++)" \
  LDFLAGS=-Wl,--undefined-version cargo lambda build --locked --profile $(1) --$$(echo $$arch | tr _ -) --output-format zip \
  $(addprefix -p ,$(2)) --features stream/msk --lambda-dir $(FOLDER)
define TEST_MSK
echo "tidemill: building OpenSSL and the clients that need it, 3 to 6 minutes the first time"; \
cargo build --locked --workspace --bins --features tests/msk || failed=1; \
$(TESTING) cargo test --locked --workspace --features tests/msk --test msk || failed=1; \
$(TESTING) cargo test --locked --workspace --features tests/msk --test scenarios -- secured_kafka || failed=1
endef
CARGO_FUZZ := 0.13.2
NIGHTLY ?= nightly
FUZZ_SECONDS ?= 60
TEMPLATES := template.yaml $(sort $(wildcard infra/*.yaml))
FUZZED := events wire kafka_event statement template

.PHONY: help run build test test-msk kill simulate overload fuzz bench lint advisories sbom measure fmt package coldstart tools needs-rust needs-perl needs-nightly needs-python

help: ## what each command does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: build ## builds what is needed and starts the whole system; Ctrl-C stops it
	@exec $(TARGET)/debug/tidemill up

build: needs-rust $(if $(TLS),needs-perl)
	@if [ -x $(TARGET)/debug/tidemill ]; then echo "tidemill: bringing the build up to date"; \
	else echo "tidemill: first build of some 400 crates, 5 to 12 minutes on two cores; later ones take seconds"; fi
	@cargo build --locked --workspace --bins $(FEATURES)

test: build needs-perl tools ## every test, from a bare clone
	@command -v kcat >/dev/null || echo "skipped: the checks with kcat, which is not installed (apt-get install kcat)"
	@command -v ab >/dev/null || echo "skipped: the checks with ab, which is not installed (apt-get install apache2-utils)"
	@{ command -v chromium && command -v chromedriver; } >/dev/null || echo "skipped: the browser tests, for Chromium or its driver is not installed (apt-get install chromium chromium-driver)"
	@test -e $(TOOLS)/pages/installed || echo "skipped: the checks of accessibility with axe-core, for npm is not installed (apt-get install npm)"
	@test -e $(TOOLS)/kafka/installed || echo "skipped: the scenarios on Apache Kafka, for Java or Maven is not installed (apt-get install default-jre-headless maven)"
	@failed=0; $(TESTING) cargo test --locked --workspace --no-fail-fast $(if $(TLS),--features tests/msk) || failed=1; \
	$(if $(TLS),,$(TEST_MSK);) exit $$failed

# All has one set of features but what asks for OpenSSL, which comes last: docs/adr/0002-build-profiles.md.
test-msk: needs-perl tools ## the tests of brokers that ask who calls (TLS, SCRAM, MSK by IAM); a part of test
	@failed=0; $(TEST_MSK); exit $$failed

kill: build tools ## kills real processes under load, `make kill N=1000` as many as asked; SEED repeats a run
	@test -e $(TOOLS)/kafka/installed || { echo "tidemill: the kill tests need Java 17 and Maven (apt-get install default-jre-headless maven)"; exit 1; }
	@test -e $(TOOLS)/localstack/installed || { echo "tidemill: the kill tests need LocalStack (make tools)"; exit 1; }
	@KILLS=$(or $(N),20) SEED=$(SEED) KAFKA_JARS=$(TOOLS)/kafka LOCALSTACK_HOME=$(TOOLS)/localstack cargo test --locked --workspace --test kill $(FEATURES) -- --nocapture

simulate: needs-rust ## N=10000 schedules of the simulation on all cores; SEED=7 runs one alone, TRACE=1 tells it event by event
	@cargo run --locked --profile simulate -p simulation --features command -- \
	  $(if $(SEED),--seed $(SEED) $(if $(TRACE),--trace),--schedules $(or $(N),10000) --from $(or $(FROM),0))

overload: build tools ## what users may do at once, in the sizes of the promise: 100 000 requests, 1 000 000 records waiting
	@OVERLOAD_REQUESTS=$(or $(REQUESTS),100000) OVERLOAD_RECORDS=$(or $(RECORDS),1000000) OVERLOAD_KAFKA=$(or $(KAFKA),apache) KAFKA_JARS=$(TOOLS)/kafka \
	  cargo test --locked --workspace --test scenarios $(FEATURES) -- overload --nocapture --test-threads 1

# What is found goes to a corpus below the build folder; a crash is kept in fuzz/artifacts/. A seed that is worth keeping
# is copied to fuzz/corpus/ by hand, where `make test` runs it too.
fuzz: needs-nightly $(TOOLS)/bin/cargo-fuzz ## feeds strangers' input to the decoders, FUZZ_SECONDS=60 each
	@set -e; for target in $(FUZZED); do \
	  mkdir -p $(abspath $(TARGET))/fuzz/corpus/$$target; \
	  echo "tidemill: fuzzing $$target for $(FUZZ_SECONDS) s"; \
	  PATH="$(TOOLS)/bin:$$PATH" cargo +$(NIGHTLY) fuzz run --target-dir $(abspath $(TARGET))/fuzz $$target \
	    $(abspath $(TARGET))/fuzz/corpus/$$target fuzz/corpus/$$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1; \
	done

bench: needs-rust ## measurements, as ratios side by side
	cargo bench --locked -p archive
	@command -v wrk >/dev/null || echo "skipped: the comparison of the generators with wrk, which is not installed (apt-get install wrk)"
	cargo bench --locked -p tidemill --bench load

lint: needs-rust sbom $(TOOLS)/linters $(TOOLS)/checkov/installed $(TOOLS)/bin/cargo-deny ## rustfmt, clippy, cargo-deny, what is deployed as CycloneDX, cfn-lint, sam validate, checkov
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(TOOLS)/bin/cargo-deny --offline --locked check bans licenses sources
	$(TOOLS)/bin/cfn-lint $(TEMPLATES)
	@set -e; for template in $(TEMPLATES); do \
	  SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-west-1 $(TOOLS)/bin/sam validate --lint --template $$template; done
	$(TOOLS)/checkov/bin/checkov --config-file .checkov.yaml --file $(TEMPLATES)

advisories: needs-rust $(TOOLS)/bin/cargo-deny ## whether anything that is linked has a known hole; fetches RustSec's list, so it needs a network
	$(TOOLS)/bin/cargo-deny --locked check advisories

# The tool writes beside each manifest and nowhere else. A document that lacks what its binary surely links is wrong.
sbom: needs-rust $(TOOLS)/bin/cargo-cyclonedx ## what is deployed, as CycloneDX: target/sbom/
	@mkdir -p $(TARGET)/sbom
	@CARGO_NET_OFFLINE=true SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(TOOLS)/bin/cargo-cyclonedx cyclonedx --quiet --quiet \
	  --describe binaries --format json --spec-version 1.5 --target aarch64-unknown-linux-gnu --features stream/msk
	@for name in $(DEPLOYED); do mv functions/$$name/$${name}_bin.cdx.json $(TARGET)/sbom/$$name.cdx.json || exit 1; done
	@find crates functions localstack tests -name '*.cdx.json' -delete
	@for pair in topics:openssl-src stocks:rdkafka-sys games:rdkafka-sys exchange:rdkafka-sys evaluate:aws-sdk-s3 archive:parquet query:datafusion; do \
	  grep -q "\"name\": \"$${pair#*:}\"" $(TARGET)/sbom/$${pair%:*}.cdx.json || { echo "tidemill: target/sbom/$${pair%:*}.cdx.json lacks $${pair#*:}"; exit 1; }; \
	done
	@echo "tidemill: $(words $(DEPLOYED)) documents in $(TARGET)/sbom"

measure: build ## what invocations take, for the page /cost: runs the system for two minutes; BUILD= says of what build it is
	@cargo test --locked --workspace --test measure $(FEATURES) -- --ignored --nocapture

fmt: needs-rust ## formats every crate
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml

# With TLS and MSK by IAM. An arm64 build needs Rust's library for it (`rustup target add aarch64-unknown-linux-gnu`).
package: $(TOOLS)/cargo-lambda needs-perl ## the deployable zips, target/lambda/ for arm64 and target/lambda-x86_64/, with their sizes; ARCHS= for one
	@set -e; for arch in $(ARCHS); do \
	  target=$$(echo $$arch | sed s/arm64/aarch64/)-unknown-linux-gnu; \
	  test -d "$$(rustc --print target-libdir --target $$target)" || { echo "tidemill: Rust's library for $$arch is not installed (rustup target add $$target); ARCHS=x86_64 leaves it out"; exit 1; }; \
	  echo "tidemill: building for $$arch: half an hour and more on two cores"; \
	  $(call PACKAGE,lambda-small,$(SMALL)); \
	  $(call PACKAGE,lambda,$(filter-out $(SMALL),$(DEPLOYED))); \
	done
	@ARCHS="$(ARCHS)" tests/tools/sizes.sh $(DEPLOYED)

coldstart: ARCHS := $(patsubst aarch64,arm64,$(shell uname -m))
coldstart: package ## from process start to first answer, in what Lambda gives to it, against the budgets; STARTS=20
	@rm -rf $(TARGET)/unpacked; arch=$(ARCHS); for name in $(DEPLOYED); do \
	  python3 -m zipfile -e $(FOLDER)/$$name/bootstrap.zip $(TARGET)/unpacked/$$name || exit 1; \
	done; chmod +x $(TARGET)/unpacked/*/bootstrap
	cargo bench --locked --workspace --profile dev --bench coldstart -- $(abspath $(TARGET))/unpacked

needs-rust:
	@command -v cargo >/dev/null || { echo "tidemill: Rust is needed, see https://rustup.rs"; exit 1; }
	@command -v cc >/dev/null || { echo "tidemill: a C compiler is needed for librdkafka (apt-get install gcc)"; exit 1; }

needs-perl:
	@perl -MIPC::Cmd -MFindBin -e 1 2>/dev/null || { echo "tidemill: perl with its modules is needed to build OpenSSL (apt-get install perl)"; exit 1; }

needs-nightly: needs-rust
	@cargo +$(NIGHTLY) --version >/dev/null 2>&1 || { echo "tidemill: fuzzing needs a nightly of Rust 1.95 or later (rustup toolchain install nightly); NIGHTLY=name picks another toolchain"; exit 1; }

needs-python:
	@python3 -m venv --help >/dev/null 2>&1 || { echo "tidemill: the tests and linters need Python with venv (apt-get install python3-venv)"; exit 1; }

tools: $(TOOLS)/cargo-lambda $(TOOLS)/apis/installed $(TOOLS)/pages/installed $(TOOLS)/localstack/installed $(TOOLS)/kafka/installed

$(TOOLS)/cargo-lambda: | needs-python
	@echo "tidemill: installing $(CARGO_LAMBDA), with which the tests invoke functions"
	@python3 -m venv $(TOOLS) && $(TOOLS)/bin/pip install -q --disable-pip-version-check $(CARGO_LAMBDA) && touch $@

# A folder of its own: the linters want other versions of the same libraries.
$(TOOLS)/apis/installed: tests/tools/requirements.txt | needs-python
	@echo "tidemill: installing the checks of the OpenAPI documents"
	@python3 -m venv $(TOOLS)/apis && $(TOOLS)/apis/bin/pip install -q --disable-pip-version-check -r $< && touch $@

$(TOOLS)/pages/installed: tests/tools/package-lock.json
	@if command -v npm >/dev/null; then \
	  echo "tidemill: installing axe-core, which looks at the pages"; \
	  mkdir -p $(@D) && cp tests/tools/package.json tests/tools/package-lock.json $(@D)/ && \
	  cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --silent && touch $@; fi

# As the runner installs it by itself for users.
$(TOOLS)/localstack/installed: localstack/src/lake/requirements.txt | needs-python
	@echo "tidemill: installing LocalStack, on whose S3 the tests run a lake: 2 minutes, 510 MB"
	@rm -rf $(@D) && python3 -m venv $(@D) && $(@D)/bin/pip install -q --disable-pip-version-check -r $< && touch $@

# As the runner fetches them by itself for users.
$(TOOLS)/kafka/installed: localstack/src/broker/apache/pom.xml
	@if command -v java >/dev/null && command -v mvn >/dev/null; then \
	  echo "tidemill: fetching Apache Kafka's jars by Maven"; \
	  rm -rf $(@D) && mvn -q -B -f $< dependency:copy-dependencies -DoutputDirectory=$(@D) && touch $@; fi

$(TOOLS)/linters: | needs-python
	@echo "tidemill: installing the linters of the template"
	@python3 -m venv $(TOOLS) && $(TOOLS)/bin/pip install -q --disable-pip-version-check $(LINTERS) && touch $@

# A folder of its own, as above.
$(TOOLS)/checkov/installed: | needs-python
	@echo "tidemill: installing $(CHECKOV), which looks at the stacks for what is unsafe"
	@python3 -m venv $(@D) && $(@D)/bin/pip install -q --disable-pip-version-check $(CHECKOV) && touch $@

$(TOOLS)/bin/cargo-deny: | needs-rust
	@echo "tidemill: building cargo-deny $(CARGO_DENY)"
	@cargo install --locked --quiet --root $(TOOLS) --version $(CARGO_DENY) cargo-deny

$(TOOLS)/bin/cargo-cyclonedx: | needs-rust
	@echo "tidemill: building cargo-cyclonedx $(CARGO_CYCLONEDX)"
	@cargo install --locked --quiet --root $(TOOLS) --version $(CARGO_CYCLONEDX) cargo-cyclonedx

$(TOOLS)/bin/cargo-fuzz: | needs-rust
	@echo "tidemill: building cargo-fuzz $(CARGO_FUZZ)"
	@cargo install --locked --quiet --root $(TOOLS) --version $(CARGO_FUZZ) cargo-fuzz

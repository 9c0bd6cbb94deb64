# make demo   builds and runs the flights example on real data
# make test   everything that must pass: format, lints, docs, all tests
# make test-tls   Kafka over TLS, and SASL's SCRAM, of make test: builds librdkafka once more, with the system's OpenSSL
# make reliability   what may go wrong, again and again, for hours; RT="RT1 RT7" runs those of docs/reliability.md
# make bench  every benchmark beside its floor, one figure a line
# make cluster, make cluster-stop   a real Kafka and registry on this machine, without Docker
.PHONY: demo test tests test-tls reliability bench cluster cluster-stop servers setup fmt lint docs

demo: setup
	cargo run --quiet --package ksql-examples --example flights

test: setup servers fmt lint docs
	@scripts/list-skipped $(MAKE) --no-print-directory tests

# What is exported for a program that runs on a cluster is not for tests and benchmarks, which would run there too.
SETTINGS = $(filter-out KSQL_TEST_% KSQL_SHARED% KSQL_SKIPPED KSQL_SERVERS KSQL_CLUSTER_DIR KSQL_PEERS,$(filter KSQL_%,$(.VARIABLES)))
WITHOUT_SETTINGS = env $(foreach name,$(SETTINGS),-u $(name))

tests:
	$(WITHOUT_SETTINGS) cargo test --workspace
	$(WITHOUT_SETTINGS) cargo test --quiet --package ksql-derive --features relaxed
	$(WITHOUT_SETTINGS) scripts/with-openssl cargo test $(WITH_OPENSSL)

# Of the whole workspace, so that nothing but librdkafka and what stands on it is built again.
WITH_OPENSSL = --workspace --features ksql-runtime-tests/kafka-ssl --test kafka_tls --test kafka_scram
test-tls: setup servers
	cargo clippy $(WITH_OPENSSL) -- -D warnings
	@scripts/list-skipped $(WITHOUT_SETTINGS) cargo test $(WITH_OPENSSL)

reliability: setup servers
	@$(WITHOUT_SETTINGS) scripts/reliability $(RT)

cluster:
	@scripts/cluster/start

cluster-stop:
	@scripts/cluster/stop

setup:
	@scripts/setup

# What the tests on a real Kafka need; without it they are skipped, by name.
servers:
	@scripts/cluster/install --optional

fmt:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --quiet --package ksql-runtime --no-default-features -- -D warnings
	cargo clippy --quiet --package ksql-runtime --no-default-features --features embedded -- -D warnings
	cargo clippy --quiet --package ksql-runtime --no-default-features --features cli,http -- -D warnings
	cargo clippy --quiet --package ksql-runtime -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Our own crates at the level of a release, the dependencies of the one profile: RocksDB is not built again.
bench: export CARGO_PROFILE_DEV_OPT_LEVEL = 3
bench: export CARGO_PROFILE_DEV_DEBUG_ASSERTIONS = false
bench: export CARGO_PROFILE_DEV_OVERFLOW_CHECKS = false
bench: setup
	$(WITHOUT_SETTINGS) cargo run --quiet --package ksql-benches -- all

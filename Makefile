# Thin over the CMake presets and tools/. Everything is built in build/; build/bailey is the command.
#
#   make demo         build, then watch an untrusted program work, try to break out, and fail
#   make check        build, then every test
#   make check-long   the tests that take long as well, the others under ASan and UBSan, and fuzzing
#   make bench        every measurement: bench-start, bench-filter, bench-verify, bench-audit, bench-network, bench-mcp, bench-microvm
#   make install      DESTDIR and prefix as usual
#   make format, make tidy, make clean

prefix ?= /usr/local
JOBS   ?= $(shell nproc)

ctest = ctest --output-on-failure -j$(JOBS)

.PHONY: all demo check check-long bench bench-audit bench-court bench-filter bench-mcp bench-microvm bench-network bench-start bench-verify install format tidy \
        clean dependencies
.DEFAULT_GOAL := all

# With nothing changed this is one dpkg-query and one ninja: well under a second.
all: dependencies build/build.ninja
	@cmake --build build --parallel $(JOBS)

dependencies:
	@tools/install-dependencies

build/build.ninja:
	cmake --preset release

build-asan/build.ninja:
	cmake --preset asan-ubsan

demo: all
	@demo/run build/bailey

check: all
	@$(ctest) --test-dir build --label-exclude long

# Four lanes: what make check runs; the long tests, with their counts and seeds; the short ones that
# start no sandbox once more under sanitizers; and fuzzing. Each says what it ran.
check-long: all build-asan/build.ninja
	@tools/install-dependencies --long
	@echo "== the tests of make check"
	@$(ctest) --test-dir build --label-exclude long
	@echo "== the long tests"
	@ctest --verbose -j$(JOBS) --test-dir build --label-regex long
	@cat build/foreign/report.txt
	@echo "== under AddressSanitizer and UndefinedBehaviorSanitizer"
	@cmake --build build-asan --parallel $(JOBS)
	@$(ctest) --test-dir build-asan --label-exclude 'launch|long'
	@echo "== fuzzing"
	@tests/fuzz/run build-fuzz

bench: bench-start bench-filter bench-court bench-verify bench-audit bench-network bench-mcp bench-microvm

bench-audit: all
	@build/bench-audit
	@bench/audit/learn build/bailey

bench-filter: all
	@build/bench-filter data/docker-default-seccomp.json
	@build/bench-preset 301

bench-verify: all
	@build/bench-verify data/docker-default-seccomp.json

bench-court: all
	@tests/court/run build/bailey

bench-start: all
	@bench/start-up/run build/bailey build/bench-start-up

bench-mcp: all
	@bench/mcp/run build

bench-microvm: all
	@bench/microvm/run build/bailey

bench-network: all
	@bench/network/run build/bailey build/bench-network

install: all
	DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(prefix)"

format:
	@tools/check-format --fix

tidy: all
	@tools/run-tidy build

clean:
	rm -rf build build-debug build-asan build-fuzz

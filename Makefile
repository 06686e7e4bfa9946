# ngx_rt_module: `make run` to see it, `make test` to test it.
# Everything that is made is under $(BUILD).

BUILD         ?= build
NGINX_SRC     ?= /usr/share/nginx/src
NGINX_VERSION := $(shell sed -n 's/^.define NGINX_VERSION *"\(.*\)"/\1/p' \
                         $(NGINX_SRC)/src/core/nginx.h 2>/dev/null)
MODULES_DIR   ?= /usr/lib/nginx/modules
FUZZ_SECONDS  ?= 3600
SOAK_SECONDS  ?= 3600

ifeq ($(origin CC),default)
CC := gcc
endif

export CC

module  := $(BUILD)/ngx_rt_module.so
nginx   := nginx-$(NGINX_VERSION)


# the module as asan and valgrind want it: they have a build each; gcc's runtime
# for undefined behaviour knows nothing of its options in a process of nginx
san_cc      := -O1 -fno-omit-frame-pointer -U_FORTIFY_SOURCE \
               -include $(CURDIR)/t/sanitize/nopool.h
asan_so     := libclang_rt.asan-$(shell uname -m).so
asan_cc     := $(san_cc) -fsanitize=address,undefined -shared-libasan \
               -fsanitize-address-use-odr-indicator
asan_ld     := -fsanitize=address,undefined -shared-libasan \
               -Wl,-rpath,$(dir $(shell clang -print-file-name=$(asan_so)))
asan_compiler     := clang
asan_suites       := nginx reload clients fault
valgrind_compiler := $(CC)
valgrind_cc := $(san_cc) -DRT_VALGRIND
valgrind_ld := -Wl,-z,nodelete
valgrind_suites := nginx reload clients


.PHONY: all debug run test unit fuzz asan valgrind soak mutants bench lint \
        install deps clean

all:
	@.ci/build $(NGINX_SRC) $(BUILD) $(nginx)
	@cmp -s $(BUILD)/$(nginx)/ngx_rt_module.so $(module) \
	    || { cp $(BUILD)/$(nginx)/ngx_rt_module.so $(module).new \
	         && mv $(module).new $(module) && echo "built $(module)"; }

# another build, with fault points: for tests, never for use
debug:
	@$(MAKE) -s --no-print-directory all BUILD=$(BUILD)/debug \
	    RT_CC_OPT="$(RT_CC_OPT) -DRT_FAULT_POINTS"

# the packages that a build and a run need: as root, or with sudo
deps:
	@.ci/packages build

run: deps
	@$(MAKE) -s --no-print-directory all
	@exec docs/examples/quickstart/run $(BUILD)

# every suite, and one line of totals at the end
test:
	@.ci/packages test
	@$(MAKE) -s --no-print-directory all debug
	@t/lib/run-suites $(BUILD) $(SUITES)

# the quick one: the pure half only
unit:
	@t/lib/run-suites $(BUILD) unit

fuzz:
	@.ci/packages test
	@FUZZ_SECONDS=$(FUZZ_SECONDS) t/lib/run-suites $(BUILD) fuzz

# clients of every kind, kills and reloads, for an hour; the ledgers of faults
# for an hour each
soak:
	@.ci/packages test
	@$(MAKE) -s --no-print-directory all debug
	@SOAK_SECONDS=$(SOAK_SECONDS) t/lib/run-suites $(BUILD) soak

# faults that are built into the module, for the ledger of faults to find
mutants:
	@.ci/packages test
	@t/fault/mutants/run $(BUILD)

# every suite that runs nginx, under that tool; SUITES= names some of them
asan valgrind:
	@.ci/packages $@
	@RT_CC_OPT="$($@_cc)" RT_LD_OPT="$($@_ld)" \
	    $(MAKE) -s --no-print-directory CC=$($@_compiler) \
	    BUILD=$(BUILD)/$@ all debug
	@TEST_RT_TOOL=$@ t/lib/run-suites $(BUILD)/$@ \
	    $(or $(SUITES),$($@_suites))

bench:
	@.ci/packages bench
	@$(MAKE) -s --no-print-directory all
	@t/bench/run

lint: all
	@t/lib/run-suites $(BUILD) lint

# by rename: a running nginx keeps what it has mapped.  A new module needs a
# restart of nginx (or USR2), a reload keeps the old one.
install: all
	install -d $(DESTDIR)$(MODULES_DIR)
	install -m 644 $(module) $(DESTDIR)$(MODULES_DIR)/.ngx_rt_module.so.new
	mv $(DESTDIR)$(MODULES_DIR)/.ngx_rt_module.so.new \
	   $(DESTDIR)$(MODULES_DIR)/ngx_rt_module.so

clean:
	rm -rf $(BUILD) t/clients/node_modules

# make -f t/lib/pure.mk OUT=DIR DIR/unit/NAME | DIR/fuzz/NAME
# The unit tests and the fuzz drivers: pure/, what in rules/ is pure, too, and a
# file of theirs, with sanitizers and nothing of nginx on the include path.  HIREDIS=DIR: that of
# another version, whose headers and libhiredis.a are in DIR/hiredis.

warn := -std=gnu11 -g -Wall -Wextra -Werror -Wshadow
incs := -Ingx_rt_module/pure -Ingx_rt_module/rules -It/unit \
        -isystem /usr/include/luajit-2.1
hiredis := -l:libhiredis.a

ifdef HIREDIS
incs += -isystem $(HIREDIS)
hiredis := $(HIREDIS)/hiredis/libhiredis.a
endif

san  := -fsanitize=address,undefined -fno-sanitize-recover=all \
        -fno-omit-frame-pointer

debug := -DRT_STEPS -DRT_FAULT_POINTS

srcs := $(notdir $(wildcard ngx_rt_module/pure/*.c \
                            ngx_rt_module/rules/rt_*.c))
unit_objs := $(srcs:%.c=$(OUT)/unit/pure/%.o)
fuzz_objs := $(srcs:%.c=$(OUT)/fuzz/pure/%.o)

vpath %.c ngx_rt_module/pure ngx_rt_module/rules

$(shell mkdir -p $(OUT)/unit/pure $(OUT)/fuzz/pure)

.SECONDARY:

$(OUT)/unit/pure/%.o: %.c
	gcc $(warn) -O1 $(san) $(debug) $(incs) -MMD -c -o $@ $<

$(OUT)/fuzz/pure/%.o: %.c
	clang $(warn) -O1 $(san) -fsanitize=fuzzer-no-link $(incs) -MMD -c -o $@ $<

$(OUT)/%.a:
	rm -f $@
	ar cr $@ $^

$(OUT)/unit/pure.a: $(unit_objs)

$(OUT)/fuzz/pure.a: $(fuzz_objs)

# archives, so that a test need not define what only others' objects ask for
$(OUT)/unit/%: t/unit/%.c $(OUT)/unit/pure.a
	gcc $(warn) -O1 $(san) $(debug) $(incs) -MMD -o $@ $< \
	    $(OUT)/unit/pure.a -lm -lcrypto $(hiredis) -lluajit-5.1

$(OUT)/fuzz/%: t/fuzz/%.c $(OUT)/fuzz/pure.a
	clang $(warn) -O1 $(san) -fsanitize=fuzzer $(incs) -MMD -o $@ $< \
	    $(OUT)/fuzz/pure.a -lm -lcrypto $(hiredis) -lluajit-5.1 \
	    $(if $(filter %json_fuzz,$@),-ljansson)

-include $(wildcard $(OUT)/*/*.d $(OUT)/*/pure/*.d)

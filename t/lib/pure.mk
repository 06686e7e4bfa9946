# make -f t/lib/pure.mk OUT=DIR DIR/unit/NAME | DIR/fuzz/NAME
# The unit tests and the fuzz drivers: pure/ and a file of theirs, with
# sanitizers and nothing of nginx on the include path.  HIREDIS=DIR: that of
# another version, whose headers and libhiredis.a are in DIR/hiredis.

warn := -std=gnu11 -g -Wall -Wextra -Werror -Wshadow
incs := -Ingx_rt_module/pure -It/unit
hiredis := -l:libhiredis.a

ifdef HIREDIS
incs += -isystem $(HIREDIS)
hiredis := $(HIREDIS)/hiredis/libhiredis.a
endif

san  := -fsanitize=address,undefined -fno-sanitize-recover=all \
        -fno-omit-frame-pointer

debug := -DRT_STEPS -DRT_FAULT_POINTS

srcs := $(wildcard ngx_rt_module/pure/*.c)
unit_objs := $(srcs:ngx_rt_module/pure/%.c=$(OUT)/unit/pure/%.o)
fuzz_objs := $(srcs:ngx_rt_module/pure/%.c=$(OUT)/fuzz/pure/%.o)

$(shell mkdir -p $(OUT)/unit/pure $(OUT)/fuzz/pure)

.SECONDARY:

$(OUT)/unit/pure/%.o: ngx_rt_module/pure/%.c
	gcc $(warn) -O1 $(san) $(debug) $(incs) -MMD -c -o $@ $<

$(OUT)/fuzz/pure/%.o: ngx_rt_module/pure/%.c
	clang $(warn) -O1 $(san) -fsanitize=fuzzer-no-link $(incs) -MMD -c -o $@ $<

$(OUT)/%.a:
	rm -f $@
	ar cr $@ $^

$(OUT)/unit/pure.a: $(unit_objs)

$(OUT)/fuzz/pure.a: $(fuzz_objs)

# archives, so that a test need not define what only others' objects ask for
$(OUT)/unit/%: t/unit/%.c $(OUT)/unit/pure.a
	gcc $(warn) -O1 $(san) $(debug) $(incs) -MMD -o $@ $< \
	    $(OUT)/unit/pure.a -lm -lcrypto $(hiredis)

$(OUT)/fuzz/%: t/fuzz/%.c $(OUT)/fuzz/pure.a
	clang $(warn) -O1 $(san) -fsanitize=fuzzer $(incs) -MMD -o $@ $< \
	    $(OUT)/fuzz/pure.a -lcrypto $(hiredis) \
	    $(if $(filter %json_fuzz,$@),-ljansson)

-include $(wildcard $(OUT)/*/*.d $(OUT)/*/pure/*.d)

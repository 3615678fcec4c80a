# abi.sh: the interface as programs were compiled with it: symbols, sizes and places of members, values of enumerators.
# It is in tests/abi.txt. A difference fails; one that is meant is taken over by AUTOML_ABI_UPDATE=1, and with it
#   - members are only appended, and never change their place; AML_ABI counts other changes of plug-in structs
#   - symbols are only added; one that goes, or changes its meaning, takes a new SOVERSION (CMakeLists.txt)
. "$ROOT/tests/cli/common"

[ "$(uname -m)" = x86_64 ] || { echo "SKIPPED: the record is of x86-64"; exit 0; }
{
    echo '#include <stddef.h>'
    echo '#include <stdio.h>'
    echo '#include "automl/automl_plugin.h"'
    echo 'int main(void) {'
    for header in automl_status.h automl.h core/task.h core/frame.h core/ctx.h core/rng.h core/bytes.h core/param.h core/data.h core/history.h core/learner.h core/step.h core/sampler.h core/scheduler.h core/metric.h automl_plugin.h; do
        printf '    puts("# %s");\n' "$header"
        awk -f "$ROOT/tests/abi.awk" "$ROOT/automl/$header"
    done
    echo '    return 0;'
    echo '}'
} >abi.c
"$CC" -std=c11 -I "$ROOT" abi.c -o abi >out 2>err || failed "the program that prints the sizes"
./abi >now
if [ "$SANITIZE" != 1 ] && [ "$TSAN" != 1 ]; then
    echo "# symbols of libautoml.so" >>now
    nm -D --defined-only "$BUILD/libautoml.so" | awk '{ print $2, $NF }' | LC_ALL=C sort >>now
else
    sed '/^# symbols/,$d' "$ROOT/tests/abi.txt" >known
fi
[ -f known ] || cp "$ROOT/tests/abi.txt" known 2>/dev/null || : >known
if [ "${AUTOML_ABI_UPDATE:-}" = 1 ]; then
    cp now "$ROOT/tests/abi.txt"
    exit 0
fi
diff -u known now >out 2>err || failed "the interface changed; if that is meant: AUTOML_ABI_UPDATE=1 ctest --test-dir BUILD -R cli_abi, see $ROOT/tests/cli/abi.sh"

# What is declared for others is exported, and nothing else is.
[ "$SANITIZE" != 1 ] && [ "$TSAN" != 1 ] || exit 0
awk '/^# symbols/ { on = 1; next } on { print $2 }' now | grep -v -E '^(_init|_fini|__bss_start|_edata|_end)$' | LC_ALL=C sort >exported
for header in automl.h automl_plugin.h core/checkpoint.h core/status.h core/rng.h core/par.h core/arena.h core/ctx.h core/lower.h core/bytes.h core/param.h core/history.h core/task.h; do
    grep -v '^#' "$ROOT/automl/$header" | tr '\n' ' ' | grep -o -E '(AML_API|AML_PLUGIN) [^;]*;' |
        sed -E 's/\(\*[a-z_]+\)//; s/^[^(;]*[ *](aml_[a-z_0-9]+) *[(;[].*/\1/'
done | grep -v '^aml_plugin_init$' | LC_ALL=C sort -u >declared
diff -u declared exported >out 2>err || failed "declared (-) and exported (+) differ"

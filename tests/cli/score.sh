# score.sh: what the scoring library is made of: its size, what it needs, what it shows.
. "$ROOT/tests/cli/common"

nm -D --defined-only "$SCORE" | awk '$2 != "A" { print $3 }' | sort >shown
grep -o 'aml_score[a-z_]*(' "$ROOT/automl/score/automl_score.h" | tr -d '(' | sort -u >declared
same shown declared
nm -g --defined-only "$SCORE_STATIC" | awk 'NF == 3 { print $3 }' | sort >shown
same shown declared

# An instrumented library needs its runtime, and is larger.
if [ "$SANITIZE" -eq 0 ] && [ "$TSAN" -eq 0 ]; then
    objdump -p "$SCORE" | awk '$1 == "NEEDED" { print $2 }' >needed
    while read -r library; do
        case $library in
        libc.so.* | libm.so.* | ld-linux*) ;;
        *) failed "the scoring library needs $library" ;;
        esac
    done <needed
    strip -o stripped "$SCORE"
    size=$(wc -c <stripped)
    echo "libautoml_score: $size bytes"
    [ "$size" -lt 300000 ] || failed "the scoring library has $size bytes"
fi

# manual.sh: the manual pages have every verb, option and function, and no fault; so has the reference that Doxygen makes.
. "$ROOT/tests/cli/common"

manual=$ROOT/automl/manual
run 0 completion man
awk -f "$manual/fill.awk" -v version=1.2.3 "$manual/automl.1" out >automl.1
awk -f "$manual/fill.awk" -v version=1.2.3 "$manual/libautoml.3" "$ROOT/automl/automl.h" >libautoml.3
! grep -q '@' automl.1 libautoml.3 || failed "a place that was not filled"
if command -v mandoc >out; then
    for page in automl.1 libautoml.3; do mandoc -Tlint -Wwarning $page >out 2>err || failed "mandoc has remarks on $page"; done
else
    echo "SKIPPED: no mandoc"
fi
if command -v man >out && command -v groff >out; then
    for page in automl.1 libautoml.3; do
        MANROFFSEQ='' MANWIDTH=100 man --warnings=mac -l $page >"$page.txt" 2>err </dev/null || failed "man has remarks on $page"
        [ ! -s err ] || failed "man has remarks on $page"
    done
else
    echo "SKIPPED: no man"
    sed 's/\\-/-/g' automl.1 >automl.1.txt
fi

# Every verb that the help lists, and every option of its own help.
sed 's/\\-/-/g; s/\\f[A-Z]//g' automl.1 >plain
run 0 --help
awk '/^Verbs:/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ { print $1 }' out | grep -v '^help$' >verbs
[ "$(wc -l <verbs)" -ge 15 ] || failed "the list of verbs"
while read -r verb; do
    grep -q "^\.B automl $verb" plain || failed "$verb is not in the synopsis"
    grep -q "^\.SS \"automl $verb " plain || failed "$verb is not in the manual"
    run 0 "$verb" --help >log
    awk -v verb="$verb" '$0 ~ "^\\.SS \"automl " verb " " { on = 1; next } /^\.S[SH]/ { on = 0 } on' plain >section
    grep -o -E '^  --[a-z-]+' out | tr -d ' ' | grep -v '^--help$' >options || true
    while read -r option; do
        grep -q -E "^\.B $option( |$)" section || failed "$option of $verb is not in the manual"
    done <options
done <verbs

# Every function of the header.
sed 's/\\-/-/g' libautoml.3 >plain
grep -v '^#' "$ROOT/automl/automl.h" | tr '\n' ' ' | grep -o -E 'AML_API [^;]*;' | sed -E 's/^[^(]*[ *](aml_[a-z_0-9]+)\(.*/\1/' >functions
[ "$(wc -l <functions)" -gt 140 ] || failed "the list of functions"
while read -r function; do
    grep -q -E "(^|[ *])$function\(" plain || failed "$function is not in libautoml.3"
done <functions

if command -v doxygen >out; then
    (cd "$manual" && { cat Doxyfile; echo "OUTPUT_DIRECTORY = $work/doxygen"; } | doxygen -) >out 2>err || failed "Doxygen has remarks"
    [ ! -s err ] || failed "Doxygen has remarks"
    [ -s doxygen/html/index.html ] || failed "no reference"
else
    echo "SKIPPED: no doxygen"
fi

# hardening.sh: what AUTOML_HARDEN promises is in the program and in both libraries, as readelf sees them.
. "$ROOT/tests/cli/common"

if [ "$HARDEN" -eq 0 ]; then
    echo "not a hardened build: nothing to look at"
    exit 0
fi

# read_elf FILE ARGUMENT...: into `out`
read_elf() {
    elf=$1
    shift
    readelf -W "$@" "$elf" >out 2>err || failed "readelf $*"
}

# without WORD: it is in no line of `out`
without() { ! grep -q -e "$1" out || failed "$elf: $1"; }

for binary in "$AUTOML" "$LIBRARY" "$SCORE"; do
    echo "$binary"
    read_elf "$binary" -h
    grep -q 'Type: *DYN' out || failed "$binary has a fixed address"
    read_elf "$binary" -l
    has out GNU_RELRO GNU_STACK
    without 'GNU_STACK.*E '
    without 'LOAD.* RWE ' # no page is written to and run
    read_elf "$binary" -d
    grep -q -e '(FLAGS).*BIND_NOW' -e '(FLAGS_1).*NOW' out || failed "$binary binds late"
    without TEXTREL
    [ "$binary" != "$AUTOML" ] || grep -q '(FLAGS_1).*PIE' out || failed "$binary is not position-independent"
    read_elf "$binary" --dyn-syms
    has out __stack_chk_fail
    [ "$RELEASE" -eq 0 ] || [ "$binary" = "$SCORE" ] || grep -q '__[a-z]*_chk' out || failed "$binary: no checked libc call"
done

# Control-flow protection is a property of what was compiled; the program has it when the C library's own parts do as well.
read_elf "$BUILD/CMakeFiles/automl_program.dir/automl/cli/main.c.o" -n
[ "$(uname -m)" != x86_64 ] || has out IBT SHSTK

# help.sh: help texts, version, and their shape.
. "$ROOT/tests/cli/common"

verbs="train predict evaluate explain leaderboard inspect transform export check tune ask tell catalog"

run 0 --version
[ "$(cut -d' ' -f1 out)" = automl ] || failed "version"
grep -q -E '^automl [0-9]+\.[0-9]+\.[0-9]+$' out || failed "version"

run 64
[ ! -s out ] || failed "help without a verb belongs to standard error"
# shellcheck disable=SC2086
has err Usage: $verbs
for word in --help -h help; do
    run 0 $word
    # shellcheck disable=SC2086
    has out Usage: Example: $verbs
done

for verb in $verbs; do
    run 0 "$verb" --help
    has out "Usage: automl $verb" "Example:" "--help"
    mv out text
    [ "$(awk '{ gsub(/…/, "."); if (length($0) > 80) n++ } END { print n + 0 }' text)" = 0 ] || { cp text out; failed "a line of more than 80 columns"; }
    run 0 help "$verb"
    same text out
    run 0 "$verb" --help --nonsense
    same text out
done
refused 64 train -- help trian

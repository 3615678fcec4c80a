# completion.sh: what the shells propose is what the program takes.
. "$ROOT/tests/cli/common"

run 0 completion bash
mv out automl.bash
run 0 completion zsh
mv out _automl
refused 64 fish bash zsh -- completion fish
refused 64 shell -- completion

# proposals WORD...: what bash proposes for the last of these words.
cat >ask.bash <<'END'
. ./automl.bash
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_automl
printf '%s\n' "${COMPREPLY[@]}"
END
if command -v bash >out; then
    bash -n automl.bash 2>err || failed "the script for bash"
    propose() { bash ask.bash "$@" >out 2>err || failed "bash: $*"; [ ! -s err ] || failed "bash: $*"; }
    propose automl tr
    [ "$(cat out)" = "$(printf 'train\ntransform')" ] || failed "verbs with tr"
    propose automl train --time-
    [ "$(cat out)" = --time-limit ] || failed "options with --time-"
    propose automl --plugin x.so catalog --
    [ "$(sort out | tr '\n' ' ')" = "--help --json " ] || failed "options of catalog"
    propose automl train data.csv --task re
    [ "$(cat out)" = regression ] || failed "values of --task"
    : >table.csv
    propose automl train tab
    [ "$(cat out)" = table.csv ] || failed "files"
    propose automl completion z
    [ "$(cat out)" = zsh ] || failed "shells"
    # Each verb, each option: proposed, and in the help, and the other way round.
    propose automl ''
    sort out >proposed
    run 0 --help
    { awk '/^Verbs:/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ { print $1 }' out; printf -- '--help\n--version\n--plugin\n'; } | sort >known
    same proposed known
    grep -v -e ^-- -e '^help$' known >verbs
    while read -r verb; do
        propose automl "$verb" --
        sort -u out >proposed
        run 0 "$verb" --help >log
        grep -o -E '^  --[a-z-]+' out | tr -d ' ' | sort -u >known
        same proposed known
    done <verbs
else
    echo "SKIPPED: no bash"
fi
if command -v zsh >out; then
    zsh -n _automl 2>err || failed "the script for zsh"
    zsh -f -c 'autoload -Uz compinit && compinit -u -d dump && . ./_automl && [[ $_comps[automl] = _automl ]]' >out 2>err || failed "zsh does not take the script"
    # What _arguments gets for a verb is what its help has.
    zsh -f -c '_arguments() { [[ $1 = -C ]] && { state=argument; line=(train); return; }; print -l -- "$@"; }; compdef() { :; }; . ./_automl; _automl' >out 2>err || failed "zsh: train"
    sed -n -E "s/^\**--([a-z-]+).*/--\1/p" out | sort -u >proposed
    run 0 train --help
    grep -o -E '^  --[a-z-]+' out | tr -d ' ' | sort -u >known
    same proposed known
else
    echo "SKIPPED: no zsh"
fi

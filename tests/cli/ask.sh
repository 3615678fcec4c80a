# ask.sh: a search from the shell: ask, report, tell, the best.
. "$ROOT/tests/cli/common"

space='lr = loguniform(1e-4, 0.1); depth = int(2, 10); kind = choice(gbtree, dart); drop = uniform(0, 0.5) if kind == dart'

run 66 ask s.jsonl
has err 'there is no search in s.jsonl' '--space'
run 66 tell s.jsonl 0 1
run 0 ask s.jsonl --space "$space" --goal 'minimize loss' --seed 3
has out '{"trial":0,"params":{"lr":' '"depth":'
is_json
run 0 ask s.jsonl
has out '{"trial":1,'
run 0 ask s.jsonl --shell
has out 'trial=2 lr=' ' kind='
eval "$(cat out)"
[ "$trial" = 2 ] && [ "$depth" -ge 2 ] && [ "$depth" -le 10 ] || failed "assignments"

run 0 tell s.jsonl 0 0.5 --step 1
[ "$(cat out)" = "go on" ] || failed "answer"
run 64 tell s.jsonl 0 0.5 --step 1
run 0 tell s.jsonl 0 -0.25
run 64 tell s.jsonl 0 0.25
has err 'trial 0 has ended already: it is done'
run 0 tell s.jsonl 1 --state failed
run 0 tell s.jsonl 2 nan
run 64 tell s.jsonl 9 1
run 64 tell s.jsonl x 1
run 64 tell s.jsonl 0 1,2
run 64 tell s.jsonl 0 1 --state dune

i=3
while [ $i -lt 14 ]; do
    run 0 ask s.jsonl
    run 0 tell s.jsonl $i "0.$((i % 7))e-1"
    i=$((i + 1))
done
run 0 ask s.jsonl --best --top 3
has out loss parameters importance
[ "$(sed -n 2p out | awk '{ print $1, $2 }')" = "0 -0.25" ] || failed "the best"
run 0 ask s.jsonl --best --json
is_json
[ "$(wc -l <s.jsonl)" -eq 30 ] || failed "lines of the state"

# a file of somebody else stays as it is, also one without the end of a line
for text in '{"automl":1}' 'one line'; do
    printf '%s' "$text" >other
    run 65 ask other --space "$space"
    has err 'other' 'is it another file?'
    [ "$(cat other)" = "$text" ] || failed "a file that is no search was changed"
done
printf '{"automl_tun' >torn.jsonl
run 0 ask torn.jsonl --space "$space"
[ "$(wc -l <torn.jsonl)" -eq 2 ] || failed "a torn first line"

# another space in the same file, and spaces that are wrong
run 78 ask s.jsonl --space 'x = uniform(0, 1)'
has err 'another space'
run 78 ask new.jsonl --space 'lr = loguniform(-4, -1)'
has err 'search space:1:6' '1e-4'
run 78 ask new.jsonl --space "$space" --constraints 'depht < 5'
has err 'constraints:1:1' 'depth'
run 78 ask new.jsonl --space "$space" --sampler '{"type": "tpe", "gama": 1}'
has err 'sampler:1:17' 'gamma'
run 78 ask new.jsonl --space "$space" --early-termination bandit
has err slack
[ ! -e new.jsonl ] || failed "a file of a search that is none"

# a grid ends; several goals; a rule that stops
run 0 ask g.jsonl --space 'a = choice(x, y); b = bool()' --sampler grid --goal 'minimize a, maximize b'
for i in 1 2 3; do run 0 ask g.jsonl; done
run 79 ask g.jsonl
has err 'the grid is done: 4 points'
run 0 tell g.jsonl 0 1,2
run 64 tell g.jsonl 1 1
has err '2 goals'
run 0 ask m.jsonl --space 'x = uniform(0, 1)' --early-termination median_stopping
run 0 ask m.jsonl
run 0 tell m.jsonl 0 1 --step 1
run 0 tell m.jsonl 1 9 --step 1
[ "$(cat out)" = stop ] || failed "the rule"
run 0 tell m.jsonl 1 --state pruned
printf '%s\n' '{ // a space of a file' '"x": {"type": "quniform", "min_value": 0, "max_value": 1, "q": 0.25}}' >space.json
run 0 ask f.jsonl --space-file space.json
is_json

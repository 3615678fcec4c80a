# usage.sh: the option parser: what is refused, with which code, and what the message offers.
. "$ROOT/tests/cli/common"

iris=$data/iris.csv
refused 64 trian train -- trian x
refused 64 'VERB' -- --target
refused 64 '--target' -- train "$iris" --targte species
refused 64 '--no-timings' -- leaderboard x --no-timing
refused 64 'DATA' -- train
refused 64 'MODEL' -- predict only_one
refused 64 'unexpected' -- train "$iris" another --target species
refused 64 'needs' '--target' -- train "$iris"
refused 64 'needs' '--target' -- train "$iris" --target
refused 64 'needs' '--target' -- train "$iris" --target --json
refused 64 'twice' '--target' -- train "$iris" --target=species --target species
refused 64 'takes' '--json' -- train "$iris" --json=yes
refused 64 'empty' -- train "$iris" --target=
refused 64 '-x' -- train "$iris" -x
refused 64 'exclude' -- leaderboard x --json --csv
refused 64 'exclude' -- check "$iris" --header --no-header
refused 64 '--decimal' -- check "$iris" --decimal x
refused 64 '--separator' -- check "$iris" --separator ab
for bad in 0 -1 1.5 x 99999999999999999999 1e3 ' 1' ''; do
    refused 64 '--trials' -- train "$iris" --target species --trials "$bad"
done
for bad in 0 0s x 5x 1m1h -1 1e9s . '' 5s5; do
    refused 64 '--time-limit' -- train "$iris" --target species --time-limit "$bad"
done
for bad in 0 x 2X 2Gx -1 ''; do
    refused 64 '--memory-limit' -- train "$iris" --target species --memory-limit "$bad"
done
refused 64 '--threads' -- train "$iris" --target species --threads 0
refused 64 '--drop' -- train "$iris" --target species --drop a,,b
refused 64 'accuracy' -- train "$iris" --target species --trials 1 --metric acuracy
refused 64 'logistic' -- train "$iris" --target species --trials 1 --learners logistik
refused 64 'sampler' -- train "$iris" --target species --trials 1 --sampler none_such
refused 64 'cv1' -- train "$iris" --target species --trials 1 --validation cv1
refused 64 'standard' -- train "$iris" --target species --output -
[ ! -e model.automl ] || failed "a refused command left a model"

# Options stand anywhere, "--" ends them, and units add up.
cp "$iris" ./-iris.csv
run 0 check --target species -- -iris.csv
run 0 check --target=species "$iris"
cp out other
run 0 check "$iris" --target species
same out other
run 0 train "$iris" --target species --time-limit 1m0.5s --trials 1 --learners logistic --memory-limit 1.5GiB --quiet

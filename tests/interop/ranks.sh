# ranks.sh: a run shared by several processes that mpirun starts comes to the bytes of one; ranks die, disagree, are missing.
# Needs mpirun (openmpi-bin) and a build with AUTOML_MPI.
. "$ROOT/tests/interop/common"
command -v mpirun >/dev/null && [ -e "$BUILD/automl_mpi.so" ] || skipped "no mpirun, or built without MPI"
OMPI_ALLOW_RUN_AS_ROOT=1
OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM

ranks() { mpirun --oversubscribe --bind-to none "$@" </dev/null; }
same() { cmp "$1" "$2" || failed "$1 and $2 differ"; }

search() {
    echo train "$ROOT/datasets/breast_cancer.csv" --target diagnosis --trials 14 \
        --learners logistic,gbdt,knn,random_forest,mlp --json --no-timings "$@"
}

# The same leaderboard and model; one rank alone is a plain run.
# shellcheck disable=SC2046 # words without blanks
"$AUTOML" $(search --quiet --output plain.automl) >plain.json 2>err || failed "alone"
for n in ${RANKS:-1 3}; do
    # shellcheck disable=SC2046
    ranks -n $n "$AUTOML" $(search --quiet --output shared.automl) >shared.json 2>err || failed "$n ranks"
    same plain.json shared.json
    same plain.automl shared.automl
done

# A file of an experiment.
cat >iris.json <<EOF
{"data": {"train": "$ROOT/datasets/iris.csv", "target": "species"}, "limits": {"max_trials": 6}, "outputs": {"model": "iris.automl"}}
EOF
"$AUTOML" run iris.json --json --no-timings --quiet --no-store >plain_run.json 2>err || failed "run alone"
ranks -n 3 "$AUTOML" run iris.json --json --no-timings --quiet --no-store >shared_run.json 2>err || failed "run"
same plain_run.json shared_run.json

# A rank that is killed: its trial goes to another one, where mpirun lets the others live; the same bytes.
rm -f err
cat >dying.sh <<EOF
if [ "\$OMPI_COMM_WORLD_RANK" = 2 ]; then
    "\$@" &
    pid=\$!
    while ! [ -e started ]; do sleep 0.05; done
    kill -9 \$pid
    exit 0
fi
exec "\$@"
EOF
# shellcheck disable=SC2046
ranks --enable-recovery -n 3 sh dying.sh "$AUTOML" $(search --store dying.db --output dying.automl) >dying.json 2>err &
pid=$!
while kill -0 "$pid" 2>/dev/null && ! grep -q "1 of 14 trials" err 2>/dev/null; do sleep 0.05; done
touch started
wait "$pid" || failed "with a killed rank"
same plain.json dying.json
same plain.automl dying.automl
grep -q "1 of 2 ranks died" err || failed "who died was not told"

# Ranks with other data end the run, and say which.
head -100 "$ROOT/datasets/iris.csv" >rank0.csv
head -90 "$ROOT/datasets/iris.csv" >rank1.csv
# shellcheck disable=SC2016
status=0
ranks -n 2 sh -c 'exec "$0" train rank$OMPI_COMM_WORLD_RANK.csv --target species --trials 3 --output other.automl --quiet' \
    "$AUTOML" >out 2>err || status=$?
[ "$status" -eq 65 ] || failed "other data: exit code $status"
grep -q "rank 1 on .* has other data than rank 0" err || failed "other data"
! [ -e other.automl ] || failed "a model of ranks that disagree"

# A rank that cannot read its data is left out.
# shellcheck disable=SC2016
ranks --enable-recovery -n 3 sh -c '
    data=$1/datasets/iris.csv
    [ "$OMPI_COMM_WORLD_RANK" != 1 ] || data=missing.csv
    "$0" train "$data" --target species --trials 3 --output left.automl --quiet || [ "$OMPI_COMM_WORLD_RANK" = 1 ]' \
    "$AUTOML" "$ROOT" >out 2>err || failed "a rank without data"
grep -q "missing.csv" err || failed "a rank without data says nothing"
[ -e left.automl ] || failed "no model without a rank"

# ---- commands of a sweep run on the other ranks

cat >train.sh <<'EOF'
echo $$ >>"${AUTOML_OUTPUT%/*}/../pids"
seq 5000
[ -z "$2" ] || [ "$AUTOML_TRIAL" -lt 3 ] || sleep "$2"
[ -z "${OMPI_COMM_WORLD_RANK-}" ] || echo "a rank's environment" >&2
awk "BEGIN { print \"loss=\" ($1 - 0.3) ^ 2 }"
EOF
sweep() {
    echo tune --space "x=uniform(0,1)" --goal minimize:loss --max-concurrent-trials 2 --no-timings --json "$@"
}
# Samplers that learn suggest by what has ended first; this one does not.
# shellcheck disable=SC2046
"$AUTOML" $(sweep --trials 8 --sampler sobol --output a.sweep) -- sh "$work/train.sh" "{x}" "" >plain.json 2>err || failed "tune alone"
# shellcheck disable=SC2046
ranks -n 3 "$AUTOML" $(sweep --trials 8 --sampler sobol --output b.sweep) -- sh "$work/train.sh" "{x}" "" >shared.json 2>err || failed "tune"
grep -v '"folder"' plain.json >plain.cut
grep -v '"folder"' shared.json >shared.cut
same plain.cut shared.cut
for trial in 0000 0007; do
    same "a.sweep/trials/$trial/stdout.txt" "b.sweep/trials/$trial/stdout.txt"
    ! [ -s "b.sweep/trials/$trial/stderr.txt" ] || failed "a command takes itself for a rank"
done

# Limits hold there, too.
status=0
# shellcheck disable=SC2046
ranks -n 2 "$AUTOML" $(sweep --trials 4 --output limit.sweep --trial-timeout 0.5s --max-failed-trials 1) -- \
    sh "$work/train.sh" "{x}" 60 >out 2>err || status=$?
[ "$status" -eq 79 ] || failed "a limit: exit code $status"
grep -q "timeout" out || failed "a limit was not kept"

# A rank that is killed takes its commands along; what it ran is tried again elsewhere.
rm -f started err
# shellcheck disable=SC2046
ranks --enable-recovery -n 3 sh dying.sh "$AUTOML" $(sweep --trials 8 --retries 1 --output dying.sweep) -- \
    sh "$work/train.sh" "{x}" 1 >dying.json 2>err &
pid=$!
while kill -0 "$pid" 2>/dev/null && ! grep -q "trial 2 done" err 2>/dev/null; do sleep 0.05; done
sleep 0.3
touch started
wait "$pid" || failed "a sweep with a killed rank"
grep -q "failed, to be tried again" err || failed "no trial was tried again"
[ "$(grep -c '"state": *"done"' dying.json)" -eq 8 ] || failed "trials of a killed rank"
while read -r command; do
    ! kill -0 "$command" 2>/dev/null || failed "a command outlives its rank"
done <dying.sweep/pids

# ---- what cannot be

# Standard input is one process's; and without the module several ranks are not several runs.
status=0
ranks -n 2 "$AUTOML" train - --target species --trials 3 >out 2>err || status=$?
[ "$status" -eq 64 ] || failed "standard input: exit code $status"
grep -q "standard input cannot be read by every rank" err || failed "standard input"
cp "$AUTOML" alone
status=0
ranks -n 2 ./alone train "$ROOT/datasets/iris.csv" --target species --trials 3 --output alone.automl >out 2>err || status=$?
if [ "$status" -ne 0 ]; then # 0: an installed module was found
    [ "$status" -eq 78 ] || failed "without the module: exit code $status"
    grep -q "built without MPI" err || failed "without the module"
fi
echo "all of ranks.sh passed"

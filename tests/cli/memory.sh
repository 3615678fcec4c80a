# memory.sh: a memory limit is kept by the whole process, and texts that would be too much with runs of characters are read by their words.
. "$ROOT/tests/cli/common"

awk 'BEGIN { srand(4); print "t,x,y"
    for (n = 0; n < 12000; n++) { s = 0; printf "\""
        for (w = 0; w < 30; w++) { k = int(3000 * rand() ^ 3); s += k < 300; printf "word%d ", k }
        printf("\",%.3f,%d\n", rand(), s > 13) } }' >texts.csv
run 0 train texts.csv --target y --trials 3 --threads 2 --learners logistic,linear_svm --memory-limit 100M --output less.automl --json --quiet
has out text_hash
! grep -q -F -e 'terms=both' out || failed "runs of characters under a low limit"
run 0 train texts.csv --target y --trials 1 --learners naive_bayes --output more.automl --json --quiet
has out 'terms=both'

# What sanitizers and counters of lines keep for themselves is theirs.
[ "$SANITIZE" = 0 ] && [ "$TSAN" = 0 ] && [ -r /proc/self/status ] || exit 0
cat >peak.sh <<'SH'
"$@" &
pid=$! peak=0
sleep 0.1
while now=$(grep VmHWM /proc/$pid/status 2>/dev/null); do # a process that has ended has none
    peak=$now
    sleep 0.02
done
wait $pid && echo "$peak" | tr -cd 0-9 >peak
SH
sh peak.sh "$AUTOML" train texts.csv --target y --trials 6 --threads 2 --memory-limit 160M --output m.automl --quiet >out
[ "$(cat peak)" -gt 20000 ] && [ "$(cat peak)" -le $((160 * 1024)) ] || failed "a peak of $(cat peak) kB"

# Less and less address space: a model, or a message; never a run that does not end.
for megabytes in 700 400 340 280 220 120; do
    status=0
    rm -f m.automl
    (
        ulimit -v $((megabytes * 1024))
        exec timeout 60 "$AUTOML" train texts.csv --target y --drop t --trials 5 --threads 2 --learners logistic,ridge,gbdt,knn \
            --output m.automl --quiet
    ) >out 2>err || status=$?
    echo "$megabytes MB: exit code $status"
    case $status in
    0) [ -s m.automl ] || failed "no model" ;;
    71) has err 'error[E-MEMORY]' ;;
    *) failed "exit code $status with $megabytes MB of address space" ;;
    esac
done

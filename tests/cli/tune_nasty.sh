# tune_nasty.sh: trials of everything that misbehaves, the sweep itself killed now and then: the journal is whole and no process
# is left. TRIALS=1000 for a long run.
. "$ROOT/tests/cli/common"
trials=${TRIALS:-39}
kills=${KILLS:-2}

cat >nasty.sh <<'END'
echo loss=0.5
case $((AUTOML_TRIAL % 13)) in
0) exec "$NASTY" hang ;;
1) exec "$NASTY" deaf ;;
2) "$NASTY" daemon; exec "$NASTY" daemon-hang ;;
3) exec "$NASTY" tree 4 ;;
4) exec "$NASTY" bomb 6 ;;
5) exec "$NASTY" run-away ;;
6) exec "$NASTY" flood 30 ;;
7) exec "$NASTY" allocate ;;
8) exec "$NASTY" kill-guard ;;
9) exec "$NASTY" signal 11 ;;
10) exec "$NASTY" burn-tree ;;
11) env -i "$NASTY" daemon; exit 0 ;;
12) exit 7 ;;
esac
END
NASTY=$BUILD/nasty
export NASTY
cat >tune.sh <<'END'
exec "$AUTOML" tune --space 'x = int(1, 1000)' --sampler random --goal minimize:loss --trials "$1" \
    --max-concurrent-trials 4 --trial-timeout 300ms --trial-memory 150M --max-failed-trials 100000 --quiet --json \
    -- sh nasty.sh
END
export AUTOML

left() { # processes of this program are left
    for exe in /proc/[0-9]*/exe; do
        [ "$(readlink "$exe" 2>/dev/null)" != "$(readlink -f "$NASTY")" ] || return 0
    done
    return 1
}

i=0
while [ $i -lt "$kills" ]; do
    sh tune.sh "$trials" >out 2>err &
    pid=$!
    sleep 0.$((i % 9 + 1))
    kill -KILL $pid 2>/dev/null || true
    wait $pid || true
    i=$((i + 1))
done
sh tune.sh "$trials" >out 2>err || failed "the sweep"
is_json trials
i=0
while left && [ $i -lt 100 ]; do
    sleep 0.1
    i=$((i + 1))
done
! left || failed "processes are left"
ended=$(grep '"end":' tune.sweep/trials.jsonl | grep -v '"stopped"' | sed 's/.*"end":\([0-9]*\).*/\1/' | sort | uniq -c |
    awk '$1 == 1' | wc -l)
[ "$ended" -eq "$trials" ] || failed "$ended of $trials trials have one end"
[ "$(grep -c '"state": "done"' out)" -ge $((trials / 13)) ] || failed "trials that work"
[ "$(du -sk tune.sweep | cut -f1)" -le $((trials * 400 + 4000)) ] || failed "the folder is too large"
echo "$trials trials, $kills kills: all ended once, nothing is left"

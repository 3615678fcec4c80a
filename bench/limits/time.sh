#!/bin/sh
# time.sh: is --time-limit kept, on an idle machine and on one that has other work? 400 runs by default.
#
#   bench/limits/time.sh [PROGRAM [FOLDER [idle|loaded …]]]
#
# FOLDER (default $AUTOML_DATASETS or ../shared/datasets) holds index.csv (name, file, task, target, …) and the tables. Each of 20
# tables of all sizes: 4 runs of 1 s, 3 of 5 s, 2 of 10 s, 1 of 30 s, each with another seed. loaded: as many busy processes as
# there are cores compete, started here but for BUSY=0, when there are others. Wall time, from start to end of the process, must stay
# within the limit + max(0.5 s, 1 %), and the model must predict. A line a table and limit: runs, longest wall, late ones, failed
# ones. Needs GNU time.
set -eu
program=${1:-build/automl}
folder=${2:-${AUTOML_DATASETS:-../shared/datasets}}
[ $# -lt 2 ] || shift
[ $# -lt 1 ] || shift
[ $# -gt 0 ] || set -- idle loaded
tables="pima_diabetes cylinder_bands wine_quality segment splice_dna concrete_strength abalone ames_housing car_evaluation letter
    magic_telescope bank_marketing adult_census_income electricity_elec2 kc_house_sales bike_sharing_hourly diamonds
    covertype_20k sms_spam nyc_taxi_fare_2019"
work=$(mktemp -d)
busy=""
stop_busy() { [ -z "$busy" ] || kill $busy 2>/dev/null || true; busy=""; }
trap 'stop_busy; rm -rf "$work"' EXIT
runs=0 late=0 failed=0

# once TABLE FILE TARGET TASK LIMIT SEED: adds to runs, late, failed; `wall` is what it took
once() {
    code=0
    rm -f "$work/m.automl"
    case $4 in regression) how="--task regression" ;; *) how="" ;; esac
    # shellcheck disable=SC2086
    /usr/bin/time -q -o "$work/time" -f %e "$program" train "$2" --target "$3" $how --time-limit "${5}s" --seed "$6" \
        --output "$work/m.automl" --quiet >"$work/out" 2>"$work/err" || code=$?
    wall=$(tail -n 1 "$work/time")
    runs=$((runs + 1))
    [ "$code" -eq 0 ] && "$program" predict "$work/m.automl" "$work/few.csv" --output "$work/p.csv" --quiet 2>"$work/err" || {
        failed=$((failed + 1)) bad=$((bad + 1))
        echo "FAILED ($code) $1, ${5} s, seed $6: $(head -n 1 "$work/err")"
    }
    if awk -v w="$wall" -v l="$5" 'BEGIN { s = l / 100 > 0.5 ? l / 100 : 0.5; exit !(w > l + s) }'; then
        late=$((late + 1)) tardy=$((tardy + 1))
    fi
}

printf '%-7s %-22s %6s %5s %10s %5s %7s\n' machine table limit runs longest_s late failed
for how_busy; do
    if [ "$how_busy" = loaded ] && [ "${BUSY:-1}" = 1 ]; then
        for _ in $(seq "$(nproc)"); do
            sh -c 'while :; do :; done' &
            busy="$busy $!"
        done
    fi
    for table in $tables; do
        IFS=, read -r _ file task target _ <<END
$(grep "^$table," "$folder/index.csv")
END
        case $file in *.gz) gzip -dc "$folder/$file" ;; *) cat "$folder/$file" ;; esac 2>/dev/null | head -n 20 >"$work/few.csv" || true
        for plan in 1:4 5:3 10:2 30:1; do
            limit=${plan%:*} longest=0 tardy=0 bad=0
            for seed in $(seq "${plan#*:}"); do
                once "$table" "$folder/$file" "$target" "$task" "$limit" "$seed"
                longest=$(awk -v a="$longest" -v b="$wall" 'BEGIN { print (a > b ? a : b) }')
            done
            printf '%-7s %-22s %6s %5s %10s %5s %7s\n' "$how_busy" "$table" "$limit" "${plan#*:}" "$longest" "$tardy" "$bad"
        done
    done
    stop_busy
done
echo "$runs runs, $late late, $failed failed"
[ "$late" -eq 0 ] && [ "$failed" -eq 0 ]

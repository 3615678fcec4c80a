# run.sh: the tests of the Python package, with a library that is there already.
#
# AUTOML_LIBRARY  the library      ROOT  the checkout      SANITIZE, TSAN  1 or ON: it is instrumented
#
# Python is AUTOML_PYTHON, else the python3 of the path or of the system that has NumPy; without one the test is skipped: exit code 77.
set -eu
python=${AUTOML_PYTHON:-}
for other in python3 /usr/bin/python3; do
    [ -n "$python" ] || ! "$other" -c 'import numpy' >/dev/null 2>&1 || python=$other
done
export PYTHONPATH="$ROOT/python" PYTHONDONTWRITEBYTECODE=1
if [ -z "$python" ]; then
    echo "SKIPPED: no Python here has NumPy (apt install python3-numpy)"
    exit 77
fi
case ${TSAN:-0} in 1 | ON)
    echo "SKIPPED: ThreadSanitizer cannot be loaded into Python"
    exit 77
    ;;
esac
case ${SANITIZE:-0} in 1 | ON)
    # Python's own memory counts as leaked.
    LD_PRELOAD=$("${CC:-cc}" -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 \
        exec "$python" "$ROOT/python/tests/random_calls.py" --calls 5000
    ;;
esac
"$python" -m unittest discover -s "$ROOT/python/tests" -t "$ROOT/python/tests"
"$python" "$ROOT/python/tests/random_calls.py" --calls 10000

# python.sh: a clean clone installs by pip into an empty virtual environment, and the package that it gives does what README says:
# scikit-learn's check_estimator with PyPI's version and, where python3-sklearn is installed, Debian's; the unit tests with pandas,
# polars, pyarrow and DuckDB; the example of README; the notebook of examples/.
#
# The package is built anew, which takes as long as building the library does.
. "$ROOT/tests/interop/common"
export ROOT
unset AUTOML_LIBRARY PYTHONPATH PYTHONHOME 2>/dev/null || true
rm -rf "$folder.clone"
new_python
timeout 100 "$python" -m pip download --quiet --disable-pip-version-check --timeout 15 --retries 1 --no-deps --dest "$folder" \
    scikit-build-core >>"$folder.log" 2>&1 || skipped "PyPI cannot be reached: $folder.log"
git clone -q "$ROOT" "$folder.clone" || skipped "the checkout is no git repository"
"$python" -m pip install --quiet --disable-pip-version-check "$folder.clone" 2>&1 | tee -a "$folder.log"
cd "$folder"

echo "---- installed alone"
cat >example.py <<END
import automl
print("automl", automl.__version__, "as in", automl.__file__, "with", automl.library_version())
model = automl.train("$ROOT/datasets/iris.csv", target="species", trials=2)
print(model)
END
"$python" example.py
for i in 1 2 3; do "$python" -X importtime -c 'import automl' 2>&1 | awk '/ automl$/ { print "import automl:", $5 / 1000, "ms" }'; done

echo "---- with other packages"
"$python" -m pip install --quiet --disable-pip-version-check --only-binary :all: scikit-learn pandas polars pyarrow duckdb scipy \
    2>&1 | tee -a "$folder.log"
"$python" "$ROOT/python/tests/check_estimators.py"
"$python" -m unittest discover -s "$ROOT/python/tests" -t "$ROOT/python/tests"
"$python" "$ROOT/python/tests/random_calls.py" --calls 20000
sed -n '/^```python$/,/^```$/{/^```/d;p}' "$ROOT/README.md" >readme.py
test -s readme.py
(cd "$ROOT" && MPLBACKEND=agg "$python" "$folder/readme.py")
"$python" "$ROOT/examples/notebook.py"

echo "---- Debian's scikit-learn"
library=$("$python" -c 'import automl, os; print(os.path.dirname(automl.__file__))')
mkdir system
ln -s "$library" system/automl
if PYTHONPATH=system /usr/bin/python3 -c 'import sklearn' 2>/dev/null; then
    PYTHONPATH=system /usr/bin/python3 "$ROOT/python/tests/check_estimators.py"
else
    echo "SKIPPED: /usr/bin/python3 has no scikit-learn (apt install python3-sklearn)"
fi

echo "---- Spark"
if command -v java >/dev/null && "$python" -m pip install --quiet --disable-pip-version-check pyspark >>"$folder.log" 2>&1; then
    "$python" "$ROOT/tests/interop/spark.py"
else
    echo "SKIPPED: no java (apt install default-jre-headless), or PyPI has no pyspark for this Python"
fi

"""scikit-learn's check_estimator for both estimators, as it is: no check is left out or expected to fail."""

import sys
import time
import warnings

import sklearn
from sklearn.utils.estimator_checks import check_estimator

import automl

warnings.simplefilter("ignore")
for estimator in (automl.AutoMLClassifier(trials=3), automl.AutoMLRegressor(trials=3)):
    start = time.time()
    results = check_estimator(estimator)
    skipped = [r["check_name"] for r in results or () if r["status"] != "passed"]
    print(f"scikit-learn {sklearn.__version__}: check_estimator({estimator}) passed in {time.time() - start:.0f} s"
          f"{', not applicable: ' + ', '.join(skipped) if skipped else ''}")
sys.exit(0)

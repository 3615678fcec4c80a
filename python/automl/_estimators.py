"""AutoMLClassifier and AutoMLRegressor: scikit-learn's estimators over automl.train."""

import numpy as np

from . import _rows
from ._library import count, number, text
from ._model import threads_of
from ._train import Options, _Featurization, run

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import NotFittedError
except ImportError:
    from ._bare import BaseEstimator, ClassifierMixin, NotFittedError, RegressorMixin

_TARGET, _WEIGHT = "target", "sample_weight"


class _AutoML(BaseEstimator):
    """What both have in common."""

    def __init__(self, time_limit=None, trials=None, metric=None, learners=None, random_state=None, n_jobs=None,
                 ensemble=True, validation=None, featurization=None, prefer=None, sampler=None, scheduler=None,
                 memory_limit=0, max_concurrent_trials=0, calibration=True, patience=0, exit_score=None, verbose=0):
        self.time_limit = time_limit
        self.trials = trials
        self.metric = metric
        self.learners = learners
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.ensemble = ensemble
        self.validation = validation
        self.featurization = featurization
        self.prefer = prefer
        self.sampler = sampler
        self.scheduler = scheduler
        self.memory_limit = memory_limit
        self.max_concurrent_trials = max_concurrent_trials
        self.calibration = calibration
        self.patience = patience
        self.exit_score = exit_score
        self.verbose = verbose

    # ---- what it says of itself, to old and new versions of scikit-learn

    def _more_tags(self):
        return {"allow_nan": True, "X_types": ["2darray", "sparse", "string"]}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def __sklearn_is_fitted__(self):
        return hasattr(self, "model_")

    # ---- fitting

    def _fit(self, X, y, sample_weight, task):
        """X: checked; y: an array of the target as the library is to see it."""
        X, y, sample_weight = _rows.in_order(X, y, sample_weight)
        columns = {_free_name(_TARGET, X): y}
        target, weight = next(iter(columns)), None
        if sample_weight is not None:
            weight = _free_name(_WEIGHT, X)
            columns[weight] = sample_weight
        frame = _rows.frame_with(X, columns, categories=[target] if y.dtype.kind not in "biuf" else None)
        options = Options()
        options.set(target=text(target), task=text(task), weight=text(weight), metric=text(self.metric, "metric"),
                    time_limit=number(self.time_limit, "time_limit"), trials=count(self.trials, "trials"), seed=self._seed(),
                    threads=threads_of(self.n_jobs), ensemble=0 if self.ensemble else -1,
                    validation=text(self.validation, "validation"), prefer=text(self.prefer, "prefer"),
                    sampler=text(self.sampler, "sampler"), scheduler=text(self.scheduler, "scheduler"),
                    memory_limit=count(self.memory_limit, "memory_limit"),
                    max_concurrent_trials=count(self.max_concurrent_trials, "max_concurrent_trials", 2**31),
                    calibration=0 if self.calibration else -1, patience=count(self.patience, "patience"))
        options.set_names("learners", self.learners)
        if self.exit_score is not None:
            options.set_number("exit_score", self.exit_score)
        with _Featurization(self.featurization) as options.struct.featurization:
            self.model_ = run(frame, options, self.verbose)
        return self

    def _seed(self):
        """random_state as a seed: a number, a generator (from which one is drawn), or None = 0: fits are repeatable."""
        state = self.random_state
        if state is None:
            return 0
        if isinstance(state, (int, np.integer)):
            return count(state, "random_state")
        draw = state.randint if hasattr(state, "randint") else state.integers
        return int(draw(2**31 - 1))

    # ---- prediction

    def _model(self):
        if not hasattr(self, "model_"):
            raise NotFittedError(f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with appropriate "
                                 "arguments before using this estimator.")
        return self.model_

    def _outputs(self, X):
        model = self._model()
        return model._outputs(_rows.table_of(self, X, reset=False), self.n_jobs)

    @property
    def leaderboard_(self):
        """What was tried, best first; a table with to_pandas()."""
        return self._model().leaderboard

    @property
    def feature_importances_(self):
        """A share for each feature, where the learners tell it; sum 1."""
        shares = self._model().importance
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(self.n_features_in_)])
        return np.array([shares.get(str(name), 0.0) for name in names])

    def explain(self, X, *, rows=None, draws=0, seed=0):
        """What each feature adds to each prediction (Shapley values)."""
        return self._model().explain(_rows.table_of(self, X, reset=False), rows=rows, draws=draws, seed=seed,
                                     n_jobs=self.n_jobs)

    def save(self, path):
        """Writes the model file, which automl.load and the program read."""
        self._model().save(path)

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs) if hasattr(super(), "_repr_mimebundle_") else {}
        bundle.setdefault("text/plain", repr(self))
        if hasattr(self, "model_"):
            bundle["text/html"] = bundle.get("text/html", "") + self.model_._repr_html_()
        return bundle


def _free_name(name, X):
    taken = set(_rows.names_of(X))
    while name in taken:
        name += "_"
    return name


class AutoMLClassifier(ClassifierMixin, _AutoML):
    """Classification: two or more classes of numbers, truth values or strings.

    time_limit (seconds) or trials end the search; without either it takes 60 seconds. random_state: a seed; None is 0, so
    that fits are repeatable. learners, metric, validation, featurization, … as in automl.train. X may be an array, a pandas
    or polars DataFrame, an Arrow table, a dict of columns or a sparse matrix; missing values are fine.

    Sets model_ (an automl.Model), classes_, n_features_in_, feature_names_in_, leaderboard_, feature_importances_."""

    def fit(self, X, y, sample_weight=None):
        X = _rows.table_of(self, X, reset=True)
        y = _rows.labels_of(self, y)
        sample_weight = _rows.weights_of(sample_weight, X, y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        used = codes if sample_weight is None else codes[sample_weight > 0]
        if len(np.unique(used)) == 1:
            raise ValueError(f"the target has only one class, {self.classes_[used[0]]!r}: there is nothing to tell apart")
        target, names = _rows.class_texts(self.classes_, codes)
        self._fit(X, target, sample_weight, "multiclass" if len(self.classes_) > 2 else "binary")
        # The number of the class of the model's outputs, in the order of classes_.
        self._order = [names.index(name) for name in self.model_.class_names]
        return self

    def predict(self, X):
        outputs = self._outputs(X)
        return self.classes_[np.asarray(self._order)[self.model_.choose(outputs)]]

    def predict_proba(self, X):
        outputs = self._outputs(X)
        if outputs.shape[1] == 1:
            outputs = np.hstack([1 - outputs, outputs])
        out = np.zeros((len(outputs), len(self.classes_)))
        out[:, self._order] = outputs
        return out

    def predict_log_proba(self, X):
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))


class AutoMLRegressor(RegressorMixin, _AutoML):
    """Regression. Parameters, inputs and attributes as of AutoMLClassifier, but for classes_."""

    def fit(self, X, y, sample_weight=None):
        X = _rows.table_of(self, X, reset=True)
        y = _rows.values_of(self, y)
        return self._fit(X, y, _rows.weights_of(sample_weight, X, y), "regression")

    def predict(self, X):
        return self._outputs(X)[:, 0]

"""The little of scikit-learn that the estimators need where it is not installed."""

import numpy as np


class NotFittedError(ValueError, AttributeError):
    pass


class BaseEstimator:
    @classmethod
    def _names(cls):
        from inspect import signature

        return [name for name in signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep=True):
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params):
        for name, value in params.items():
            if name not in self._names():
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}")
            setattr(self, name, value)
        return self

    def __repr__(self):
        given = {k: v for k, v in self.get_params().items() if v != getattr(type(self)(), k)}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items())})"


class ClassifierMixin:
    _estimator_type = "classifier"

    def score(self, X, y, sample_weight=None):
        return float(np.average(self.predict(X) == np.asarray(y), weights=sample_weight))


class RegressorMixin:
    _estimator_type = "regressor"

    def score(self, X, y, sample_weight=None):
        y = np.asarray(y, dtype=float)
        mean = np.average(y, weights=sample_weight)
        return float(1 - np.average((y - self.predict(X)) ** 2, weights=sample_weight) /
                     np.average((y - mean) ** 2, weights=sample_weight))


def check_array(X, dtype=None, ensure_all_finite="allow-nan", accept_sparse=False):
    X = X if accept_sparse else np.asarray(X)
    if X.ndim != 2 or not X.shape[0] or not X.shape[1]:
        raise ValueError(f"Expected 2D array of rows and columns, got shape {X.shape}")
    if X.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    if X.dtype.kind == "f" and not accept_sparse and np.isinf(X).any():
        raise ValueError("Input X contains infinity")
    return X


def column_or_1d(y, warn=False):
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y.ravel()
    if y.ndim != 1:
        raise ValueError(f"y should be a 1d array, got an array of shape {y.shape} instead.")
    return y


def assert_all_finite(y, input_name="y"):
    if y.dtype.kind in "fc" and not np.isfinite(y).all():
        raise ValueError(f"Input {input_name} contains NaN or infinity.")


def check_classification_targets(y):
    if y.dtype.kind == "f" and (y != np.floor(y)).any():
        raise ValueError("Unknown label type: continuous")


def _check_feature_names(estimator, X, reset):
    names = [str(name) for name in X.columns] if hasattr(X, "columns") else None
    if reset:
        if names is not None:
            estimator.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif names is not None and list(getattr(estimator, "feature_names_in_", names)) != names:
        raise ValueError("The feature names should match those that were passed during fit.")

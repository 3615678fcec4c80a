"""Rows, targets and weights as scikit-learn's estimators take them: checked, named, and put together to a frame."""

import numpy as np

from . import _arrow
from ._frame import Frame, _import, _is_pandas, columns_of, matrix_of

try:
    import sklearn
    from sklearn.utils import validation as _validation
    from sklearn.utils.multiclass import check_classification_targets
except ImportError:
    from . import _bare as _validation
    from ._bare import check_classification_targets

MERGE_ROWS = 10_000  # tables up to so many rows are put in order
_MERGE_LEAST = 8  # different rows


def is_table(X):
    """Has its columns by name and is taken as it is."""
    if hasattr(X, "toarray"):  # sparse; some are dicts
        return False
    return (isinstance(X, (Frame, dict)) or _is_pandas(X) or hasattr(X, "__arrow_c_stream__") or
            hasattr(X, "__arrow_c_array__")) and not isinstance(X, np.ndarray)


def names_of(X):
    """Names of the columns."""
    if isinstance(X, np.ndarray):
        return [f"x{j}" for j in range(X.shape[1])]
    if isinstance(X, dict):
        return [str(name) for name in X]
    if isinstance(X, Frame):
        return X.columns
    names = getattr(X, "column_names", None)  # pyarrow
    if names is None:
        names = getattr(X, "columns", None)
    if names is None:
        names = X.schema.names
    return [str(name) for name in names]


def table_of(estimator, X, reset):
    """X checked: tables of named columns as they are, all else as an array of two dimensions."""
    if is_table(X):
        _check_names(estimator, X, reset)
        if not isinstance(X, Frame) and hasattr(X, "__len__") and not isinstance(X, dict) and len(X) == 0:
            raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
        _check_width(estimator, len(names_of(X)), reset)
        return X
    _check_names(estimator, X, reset)
    if hasattr(X, "toarray"):
        X = matrix_of(_checked(X, accept_sparse=True))
    else:
        X = _checked(X)
    if X.dtype.kind not in "biuf":
        X = _numbers_or_texts(X)
    if reset and X.shape[0] < 2:
        raise ValueError(f"there is only 1 sample (n_samples = {X.shape[0]}), a model needs at least 2 rows")
    _check_width(estimator, X.shape[1], reset)
    return X


def _checked(X, **more):
    """Two dimensions, no infinite or complex numbers, at least one row and column."""
    finite = "ensure_all_finite" if _has_argument(_validation.check_array, "ensure_all_finite") else "force_all_finite"
    return _validation.check_array(X, dtype=None, **{finite: "allow-nan"}, **more)


def _has_argument(function, name):
    from inspect import signature

    return name in signature(function).parameters


def _numbers_or_texts(X):
    """An array of objects: numbers where all are, else as they came. A cell that is neither number nor text is told."""
    try:
        return X.astype(np.float64)
    except ValueError:
        return X.astype(object)
    except TypeError as error:
        raise TypeError(f"argument must be a string or a real number: {error}") from None


def _check_names(estimator, X, reset):
    """feature_names_in_, and the warnings and errors of scikit-learn where names differ."""
    if _is_pandas(X) or not is_table(X):
        if hasattr(_validation, "_check_feature_names"):
            _validation._check_feature_names(estimator, X, reset=reset)
        elif hasattr(estimator, "_check_feature_names"):
            estimator._check_feature_names(X, reset=reset)
        return
    names = names_of(X)
    if reset:
        estimator.feature_names_in_ = np.array(names, dtype=object)
        return
    missing = [name for name in getattr(estimator, "feature_names_in_", names) if name not in names]
    if missing:
        raise ValueError("The feature names should match those that were passed during fit.\n"
                         f"Feature names seen at fit time, yet now missing:\n- {missing[0]}")


def _check_width(estimator, width, reset):
    if reset:
        estimator.n_features_in_ = width
        return
    if not hasattr(estimator, "n_features_in_"):
        return
    if width != estimator.n_features_in_:
        raise ValueError(f"X has {width} features, but {type(estimator).__name__} is expecting "
                         f"{estimator.n_features_in_} features as input")


# ---- targets and weights

def _column(y, estimator):
    if y is None:
        raise ValueError(f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None.")
    if hasattr(y, "to_numpy"):
        y = y.to_numpy()
    return _validation.column_or_1d(y, warn=True)


def labels_of(estimator, y):
    y = _column(y, estimator)
    if y.dtype.kind in "fc":
        _validation.assert_all_finite(y)
    check_classification_targets(y)
    return y


def values_of(estimator, y):
    y = _column(y, estimator)
    if y.dtype.kind == "O":
        y = y.astype(np.float64)
    if y.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    if y.dtype.kind not in "biuf":
        raise ValueError(f"Unknown label type: a regression needs numbers, not {y.dtype}")
    _validation.assert_all_finite(y, input_name="y") if _has_argument(
        _validation.assert_all_finite, "input_name") else _validation.assert_all_finite(y)
    return y.astype(np.float64, copy=False)


def rows_in(X):
    if isinstance(X, dict):
        return len(next(iter(X.values()), ()))
    if hasattr(X, "shape"):
        return X.shape[0]
    if hasattr(X, "num_rows"):
        return X.num_rows
    return len(X)


def weights_of(sample_weight, X, y):
    """Weights as an array of doubles; and that X, y and they have one length."""
    if rows_in(X) != len(y):
        raise ValueError(f"Found input variables with inconsistent numbers of samples: [{rows_in(X)}, {len(y)}]")
    if sample_weight is None:
        return None
    w = np.asarray(sample_weight, dtype=np.float64)
    if w.ndim == 0:
        return np.full(len(y), float(w))
    if w.ndim != 1:
        raise ValueError("Sample weights must be 1D array or scalar")
    if len(w) != len(y):
        raise ValueError(f"sample_weight.shape == {w.shape}, expected {(len(y),)}!")
    if not np.isfinite(w).all() or (w < 0).any():
        raise ValueError("Sample weights must be finite and not negative")
    return w


def class_texts(classes, codes):
    """The target as the library is to see it, and its class names in the order of `classes`: the labels themselves where
    they can be told apart as text, else their numbers."""
    if classes.dtype.kind in "iu" or (classes.dtype.kind == "f" and (classes == np.floor(classes)).all()):
        names = [str(int(c)) for c in classes]
        if all(abs(int(c)) < 2**53 for c in classes):
            return np.array([int(c) for c in classes], dtype=np.int64)[codes], names
    names = ["true" if c else "false" for c in classes] if classes.dtype.kind == "b" else [str(c) for c in classes]
    plain = all(name.strip() == name and name and "\0" not in name and not _may_be_missing(name) for name in names)
    if not plain or len(set(names)) < len(names):
        return codes.astype(np.int64), [str(i) for i in range(len(classes))]
    return np.array(names, dtype=object)[codes], names


def _may_be_missing(name):
    return name.lower() in ("na", "n/a", "nan", "null", "none", "?", "-", ".", "nat", "#n/a", "<na>", "missing", "unknown",
                            "nil", "-nan", "#na", "n.a.", "(null)")


def _numbers_in(X):
    """The cells as doubles, or None where they are no plain numbers."""
    if _is_pandas(X) and all(getattr(dtype, "kind", "O") in "biuf" for dtype in X.dtypes):
        X = X.to_numpy()
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "biuf":
        return None
    return X.astype(np.float64) + 0.0


def in_order(X, y, weights):
    """Small tables of numbers in an order of their contents, without rows of weight 0; and where enough different rows
    are left to validate on, equal rows of one target become one of their joint weight. So a weight of 2 is a row twice, and
    copies of a row are not on both sides of a validation split. All others stay as they are, for it takes a copy."""
    if weights is not None and not (weights > 0).any():
        raise ValueError("all sample weights are zero")
    numbers = _numbers_in(X) if rows_in(X) <= MERGE_ROWS else None
    if numbers is None:
        return X, y, weights
    keep = np.arange(len(numbers)) if weights is None else np.flatnonzero(weights > 0)
    labels = np.unique(y, return_inverse=True)[1].reshape(-1, 1)
    rows = np.hstack([numbers[keep], labels[keep]])
    rows[np.isnan(rows)] = np.nan  # of one pattern of bits
    rows = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * 8))).ravel()
    _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    inverse, weights = inverse.ravel(), np.ones(len(keep)) if weights is None else weights[keep]
    count = np.bincount(inverse, weights=weights)
    merge = len(first) >= _MERGE_LEAST and len(first) * 5 >= count.sum()
    if not merge:
        first = np.argsort(inverse, kind="stable")
        count = weights[first]
    # One order for all that does not go by the features: that of a fixed shuffle of the sorted rows.
    order = np.random.RandomState(0).permutation(len(first))
    picked, count = keep[first[order]], count[order]
    X = X.iloc[picked] if _is_pandas(X) else X[picked]
    return X, y[picked], None if (count == count[0]).all() else count


def frame_with(X, columns, categories):
    """A frame of X and further columns (arrays)."""
    more = {}
    for name, values in columns.items():
        more[name] = _arrow.of_numbers(values) if values.dtype.kind in "biuf" else _arrow.of_texts(values.tolist())
    n = len(next(iter(columns.values())))
    if isinstance(X, Frame):
        raise TypeError("an automl.Frame cannot be given a target: use automl.train, or pass the columns themselves")
    if is_table(X) and not isinstance(X, dict) and not _is_pandas(X):
        return _joined(X, columns, categories)
    own, rows = columns_of(X)
    if rows != n:
        raise ValueError(f"X has {rows} rows, y has {n}")
    array, schema, keep = _arrow.table({**own, **more}, n)
    from ._frame import _read

    return Frame(handle=_read(None, categories, None, array, schema), keep=keep)


def _joined(X, columns, categories):
    """A table that speaks Arrow with columns added, by its own means."""
    if hasattr(X, "with_columns"):  # polars
        import polars

        X = X.with_columns([polars.Series(name, values.tolist()) for name, values in columns.items()])
    elif hasattr(X, "append_column"):  # pyarrow
        import pyarrow

        for name, values in columns.items():
            X = X.append_column(name, pyarrow.array(values))
    else:
        raise TypeError(f"X of {type(X).__module__}.{type(X).__name__} cannot be given a target: pass a pandas or polars "
                        "DataFrame, a pyarrow Table or an array, or use automl.train")
    handle, keep = _import(X, None, categories, None)
    return Frame(handle=handle, keep=keep)

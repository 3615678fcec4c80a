"""automl: finds a model for a table, and searches hyperparameters.

    import automl
    model = automl.train(data, target="churn", time_limit=60)
    model.leaderboard
    model.predict(new_rows)

``data`` is a path, a pandas or polars DataFrame, an Arrow table, a dict of columns or anything with
``__arrow_c_stream__``. ``AutoMLClassifier`` and ``AutoMLRegressor`` are the same for scikit-learn, ``Study`` searches a
space of your own.
"""

__version__ = "0.1.0"

# Where each name lives. Nothing is imported, and no library loaded, before it is used.
_HOMES = {
    "AutoMLClassifier": "_estimators",
    "AutoMLRegressor": "_estimators",
    "Explanation": "_explain",
    "Frame": "_frame",
    "Model": "_model",
    "Pruned": "_study",
    "Study": "_study",
    "Table": "_table",
    "Trial": "_study",
    "catalog": "_library",
    "library_version": "_library",
    "load": "_model",
    "read_csv": "_frame",
    "train": "_train",
}
_ERRORS = ("AutoMLError", "ConfigError", "DataError", "InputError", "InternalError", "MemoryLimitError", "OutputError",
           "StoppedError", "TryAgain", "UsageError")
_HOMES.update((name, "_errors") for name in _ERRORS)

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'automl' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module("." + _HOMES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(__all__))

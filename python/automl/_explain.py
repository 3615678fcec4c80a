"""Explanations: what each column adds to each prediction, and what is lost when one is shuffled."""

import ctypes
from ctypes import byref, c_char_p, c_double, c_size_t, c_void_p

from ._frame import rows_for
from ._library import ExplainOptions, address, count, decode, lib, named_numbers, new
from ._table import Table


class Explanation:
    """values: rows × columns (of several classes × classes); base: what is predicted without any column; they sum to the
    prediction. importance: the columns by their mean size; methods: how each part of the model was explained."""

    def __init__(self, columns, values, base, importance, methods):
        self.columns, self.values, self.base = columns, values, base
        self.importance, self.methods = importance, methods

    @property
    def table(self):
        return Table(("column", "contribution"), self.importance.items())

    def row(self, i):
        """{column: contribution} of a row, the largest first."""
        values = self.values[i]
        order = (-abs(values.reshape(len(values), -1)).max(axis=1)).argsort(kind="stable")
        return {self.columns[j]: values[j].tolist() for j in order}

    def __repr__(self):
        return repr(self.table)

    def _repr_html_(self):
        return self.table._repr_html_()


def _options(rows, draws, seed, threads):
    """The options, and what they point to."""
    numbers = None
    if rows is not None:
        rows = [count(row, "a row's number") for row in rows]
        numbers = (c_size_t * len(rows))(*rows)
    n = len(rows) if rows is not None else 0
    options = new(ExplainOptions, rows=address(numbers), n_rows=n, draws=count(draws, "draws"), seed=count(seed, "seed"),
                  threads=threads)
    return options, numbers


def explain(model, data, rows, draws, seed, threads):
    import numpy as np

    frame, out = rows_for(model, data), c_void_p()
    options, keep = _options(rows, draws, seed, threads)
    lib.aml_model_explain(byref(out), model._handle, frame._handle, byref(options))
    del keep
    try:
        n, p, k = lib.aml_explanation_rows(out), len(model.input_names), lib.aml_model_outputs(model._handle)
        room = ctypes.cast(lib.aml_explanation_values(out), ctypes.POINTER(c_double))
        values = np.ctypeslib.as_array(room, (n, p + 1, k)).copy() if n else np.zeros((0, p + 1, k))
        importance = dict(named_numbers(lib.aml_explanation_column, out))
        methods = []
        while True:
            method = lib.aml_explanation_method(out, len(methods))
            if method is None:
                break
            methods.append(decode(method))
    finally:
        lib.aml_explanation_free(out)
    values = values[:, :, 0] if k == 1 else values
    return Explanation(list(model.input_names), values[:, :p], values[:, p], importance, methods)


def permute(model, data, rows, seed, threads):
    frame, out = rows_for(model, data, with_target=True), c_void_p()
    options, keep = _options(rows, 0, seed, threads)
    lib.aml_model_permute(byref(out), model._handle, frame._handle, byref(options))
    del keep
    try:
        table, name, loss, error = [], c_char_p(), c_double(), c_double()
        while lib.aml_permutation_column(out, len(table), byref(name), byref(loss), byref(error)):
            table.append((decode(name.value), loss.value, error.value))
        return Table(("column", f"{model.metric}_lost", "error"), table)
    finally:
        lib.aml_permutation_free(out)

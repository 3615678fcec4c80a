"""Models: what training gives and what predicts. Immutable; any number of threads may use one at once."""

import operator
import os
import tempfile
import weakref
from ctypes import byref, c_void_p
from html import escape

from ._frame import rows_for
from ._library import (Alternative, Guardrail, InputColumn, Leader, Part, Score, decode, items, lib, named_numbers, new, text)
from ._table import Table, show

_ENSEMBLE = 2 ** (8 * 8) - 1

# A child of fork has none of the threads of its parent: what would wait for them runs on one.
_after_fork = {"threads": None}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _after_fork.update(threads=1))


def threads_of(n_jobs):
    """n_jobs as scikit-learn has it (None and -1: all cores) as a number of threads, 0 = all cores."""
    if _after_fork["threads"]:
        return _after_fork["threads"]
    if n_jobs is None:
        return 0
    n_jobs = min(operator.index(n_jobs), 2**15)
    if n_jobs == -1 or n_jobs == 0:
        return 0
    return n_jobs if n_jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + n_jobs)


def label_of(names):
    """Class names as NumPy labels: whole numbers where all are, numbers, else strings."""
    import numpy as np

    try:
        if all(str(int(name)) == name for name in names):
            return np.array([int(name) for name in names])
    except ValueError:
        pass
    try:
        if all(name.strip() == name and "_" not in name for name in names):
            numbers = np.array([float(name) for name in names])
            if np.isfinite(numbers).all() and not any(name[:1] == "0" and name[1:2].isdigit() for name in names):
                return numbers
    except ValueError:
        pass
    return np.array(names)


class Model:
    """A trained model. Made by automl.train and automl.load."""

    def __init__(self, handle):
        self._handle = handle
        self._finalizer = weakref.finalize(self, lib.aml_model_free, handle)
        self.task = decode(lib.aml_model_task(handle))
        self.metric = decode(lib.aml_model_metric(handle))
        self.target = decode(lib.aml_model_target(handle))
        self.class_names = [decode(lib.aml_model_class(handle, i)) for i in range(lib.aml_model_classes(handle))]
        self.input_names = [decode(c.name) for c in items(lib.aml_model_input, handle, InputColumn)]
        self.interrupted = False  # training was stopped by the user

    # ---- files

    def save(self, path):
        """Writes the model file; the program reads the same."""
        lib.aml_model_save(self._handle, text(path, "path"))

    def to_bytes(self):
        """The model file as bytes."""
        folder = tempfile.mkdtemp(prefix="automl-")
        path = os.path.join(folder, "model.automl")
        try:
            self.save(path)
            with open(path, "rb") as file:
                return file.read()
        finally:
            if os.path.exists(path):
                os.remove(path)
            os.rmdir(folder)

    @classmethod
    def from_bytes(cls, data):
        """A model from the bytes of its file."""
        data, out = bytes(data), c_void_p()
        if lib.has("aml_model_load_memory"):
            lib.aml_model_load_memory(byref(out), data, len(data))
            return cls(out.value)
        with tempfile.NamedTemporaryFile(prefix="automl-", suffix=".automl") as file:
            file.write(data)
            file.flush()
            return load(file.name)

    def __reduce__(self):
        return Model.from_bytes, (self.to_bytes(),)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self  # nothing in it changes

    def export(self, path, format):
        """Writes the model as something else: "onnx", "c" or "json"."""
        if not lib.has("aml_model_export"):
            raise NotImplementedError("this libautoml cannot export models")
        lib.aml_model_export(self._handle, text(format, "format"), text(path, "path"))

    # ---- prediction

    @property
    def classes(self):
        """The classes, as predict gives them; None for regression."""
        return label_of(self.class_names) if self.class_names else None

    @property
    def threshold(self):
        """Of two classes the second is predicted where its probability is above this; None for other tasks."""
        value = lib.aml_model_threshold(self._handle)
        return None if value != value else value

    def _outputs(self, data, n_jobs=None):
        import numpy as np

        rows = rows_for(self, data)
        out = np.empty((len(rows), lib.aml_model_outputs(self._handle)))
        lib.aml_model_predict(out.ctypes.data, self._handle, rows._handle, threads_of(n_jobs))
        return out

    def choose(self, outputs):
        """Class numbers of rows of probabilities (of two classes: of the second)."""
        if self.task == "binary":
            return (outputs[:, -1] > self.threshold).astype(int)
        return outputs.argmax(axis=1)

    def predict(self, data, *, n_jobs=None):
        """Classes, or values, one for each row. Columns are found by name, in arrays without names by place."""
        out = self._outputs(data, n_jobs)
        return self.classes[self.choose(out)] if self.class_names else out[:, 0]

    def predict_proba(self, data, *, n_jobs=None):
        """Probabilities, rows × classes, in the order of `classes`."""
        import numpy as np

        if not self.class_names:
            raise AttributeError("a regression has no probabilities")
        out = self._outputs(data, n_jobs)
        return np.hstack([1 - out, out]) if self.task == "binary" else out

    def evaluate(self, data, *, n_jobs=None):
        """All metrics of the task on rows with a target, by name."""
        rows, out = rows_for(self, data, with_target=True), c_void_p()
        lib.aml_model_evaluate(byref(out), self._handle, rows._handle, threads_of(n_jobs))
        try:
            return dict(named_numbers(lib.aml_evaluation_metric, out))
        finally:
            lib.aml_evaluation_free(out)

    def explain(self, data, *, rows=None, draws=0, seed=0, n_jobs=None):
        """What each column adds to each prediction (Shapley values); rows: numbers of the rows to explain."""
        from ._explain import explain

        return explain(self, data, rows, draws, seed, threads_of(n_jobs))

    def permutation_importance(self, data, *, rows=None, seed=0, n_jobs=None):
        """What is lost of the metric when a column is shuffled, on rows with a target."""
        from ._explain import permute

        return permute(self, data, rows, seed, threads_of(n_jobs))

    # ---- what is inside

    @property
    def score(self):
        """{"value", "low", "high", "baseline", …}: on rows that the models that predict them have not seen."""
        score = new(Score)
        lib.aml_model_score(self._handle, byref(score))
        members = {name: getattr(score, name) for name, _ in Score._fields_[1:]}
        members["method"] = decode(members["method"])
        return members

    @property
    def leaderboard(self):
        """What was tried, best first."""
        rows = []
        for x in items(lib.aml_model_leader, self._handle, Leader):
            rows.append((x.rank or None, decode(x.learner), x.score, x.error, x.fit_seconds, x.predict_us, x.bytes,
                         x.weight or None, decode(x.state), decode(x.reason), None if x.trial == _ENSEMBLE else x.trial,
                         decode(x.pipeline)))
        columns = ("rank", "learner", self.metric, "error", "fit_seconds", "predict_us", "bytes", "weight", "state",
                   "reason", "trial", "pipeline")
        return Table(columns, rows)

    @property
    def importance(self):
        """{column: share}, downwards, where the learners tell it."""
        return dict(named_numbers(lib.aml_model_importance, self._handle))

    @property
    def guardrails(self):
        """What was found in the data, and what was done about it."""
        rows = [tuple(decode(getattr(g, name)) for name in ("id", "status", "message", "action"))
                for g in items(lib.aml_model_guardrail, self._handle, Guardrail)]
        return Table(("id", "status", "message", "action"), rows)

    @property
    def alternatives(self):
        """The models that the run could have given; told by what train returned, not by a file."""
        rows = [(decode(a.name), bool(a.chosen), a.score, a.error, a.predict_us, a.bytes, decode(a.members))
                for a in items(lib.aml_model_alternative, self._handle, Alternative)]
        return Table(("prefer", "chosen", self.metric, "error", "predict_us", "bytes", "made_of"), rows)

    @property
    def parts(self):
        """The pipelines of the model and their weights."""
        rows = [(p.weight, p.fits, p.bytes, decode(p.pipeline)) for p in items(lib.aml_model_part, self._handle, Part)]
        return Table(("weight", "fits", "bytes", "pipeline"), rows)

    @property
    def inputs(self):
        """The columns that a prediction needs."""
        rows = [(decode(c.name), decode(c.kind), c.levels) for c in items(lib.aml_model_input, self._handle, InputColumn)]
        return Table(("name", "kind", "levels"), rows)

    def _summary(self):
        score = self.score
        return (f"{self.task} model of {self.target!r}: {self.metric} {show(score['value'])}, 95 % interval "
                f"{show(score['low'])} to {show(score['high'])}, baseline {show(score['baseline'])}")

    def __repr__(self):
        return f"<automl.Model: {self._summary()}>"

    def _repr_html_(self):
        board = self.leaderboard
        best = Table(board.columns[:8] + ["pipeline"], [row[:8] + row[-1:] for row in board.rows if row[0]][:10])
        more = len(board) - len(best)
        rest = f"<p>and {more} more: <code>.leaderboard</code></p>" if more > 0 else ""
        return f"<p>{escape(self._summary())}</p>{best._repr_html_()}{rest}"


def load(path):
    """A model from its file."""
    out = c_void_p()
    lib.aml_model_load(byref(out), text(path, "path"))
    return Model(out.value)

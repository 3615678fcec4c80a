"""Studies: a search over a space of one's own, by ask and tell or with a function."""

import json
import threading
import time
import weakref
from ctypes import byref, c_char_p, c_double, c_int, c_size_t, c_void_p
from html import escape

from ._errors import AutoMLError, StoppedError, TryAgain
from ._library import TunerOptions, TunerTrial, count, decode, lib, named_numbers, new, number, text
from ._table import Table, show

_STATES = ("pending", "done", "pruned", "failed")


class Pruned(Exception):
    """Raised by a function that is optimised: the trial is stopped early."""


class Trial:
    """A suggestion: number and params. Parameters are also had as trial["name"]."""

    def __init__(self, study, number):
        self._study, self.number = study, number
        self.params = json.loads(lib.aml_tuner_params_json(study._handle, number))
        self.should_prune = False  # what the last report was answered

    def __getitem__(self, name):
        return self.params[name]

    def __contains__(self, name):
        return name in self.params

    def get(self, name, default=None):
        return self.params.get(name, default)

    def report(self, step, value):
        """A value on the way; True: the trial is to be pruned."""
        go_on = c_int(1)
        lib.aml_tuner_report(self._study._handle, self.number, number(step, "step"), number(value, "value"), byref(go_on))
        self.should_prune = not go_on.value
        return self.should_prune

    def __repr__(self):
        return f"<automl.Trial {self.number}: {self.params}>"


class Study:
    """A search.

    space        "lr = loguniform(1e-4, 0.1); depth = int(2, 10)", or a dict with the names of Azure's sweep jobs:
                 {"lr": {"type": "log_float", "min": 1e-4, "max": 0.1}, "booster": ["gbtree", "dart"]}
    goal         "minimize loss"; several: "minimize loss, maximize speed", or a list
    sampler      None = "auto"; a name of automl.catalog("sampler"), or a dict with parameters
    scheduler    what prunes: None; "median_stopping", "asha", "hyperband", "bandit", …, or a dict
    constraints  "batch * layers <= 1024", or a list of such
    path         a file that keeps the search: any number of processes may share it
    concurrency  trials side by side; in_order: the same trials whatever ends first
    trials       how many there are to be, for samplers and schedulers that plan

    Any number of threads may ask, report and tell."""

    def __init__(self, space=None, goal="minimize value", *, sampler=None, scheduler=None, constraints=None, seed=0,
                 concurrency=0, in_order=False, trials=0, path=None):
        if space is None and path is None:
            raise TypeError("a study needs a space, or the path of one that has it")
        options = None
        if space is not None:
            options = new(TunerOptions, space=_document(space, "space"), goals=_goals(goal), seed=count(seed, "seed"),
                          sampler=_document(sampler, "sampler"), scheduler=_document(scheduler, "scheduler"),
                          constraints=_document(constraints, "constraints"), concurrency=count(concurrency, "concurrency"),
                          in_order=bool(in_order), trials=count(trials, "trials"))
        out = c_void_p()
        given = byref(options) if options else None
        if path is None:
            lib.aml_tuner_new(byref(out), given)
        else:
            lib.aml_tuner_open(byref(out), text(path, "path"), given)
        self._own(out.value)

    def _own(self, handle):
        self._handle = handle
        self._finalizer = weakref.finalize(self, lib.aml_tuner_free, handle)

    @classmethod
    def load(cls, path):
        """A study in memory from a file of save, or of a study with a path."""
        out = c_void_p()
        lib.aml_tuner_load(byref(out), text(path, "path"))
        study = cls.__new__(cls)
        study._own(out.value)
        return study

    def save(self, path):
        lib.aml_tuner_save(self._handle, text(path, "path"))

    # ---- ask and tell

    def ask(self):
        """The next trial. StoppedError: there is nothing left to try. TryAgain: an earlier one has to end first."""
        asked = c_size_t()
        lib.aml_tuner_ask(self._handle, byref(asked))
        return Trial(self, asked.value)

    def enqueue(self, params):
        """Parameters that are to be tried next; what is left out gets its default."""
        lib.aml_tuner_enqueue(self._handle, _document(params, "params"))

    def learn(self, earlier):
        """What an earlier study of the same space and goal was told: this one begins with what did best there. Before the
        first ask; several are learnt one by one, the newest last."""
        if not isinstance(earlier, Study):
            raise TypeError(f"learn needs a Study, not {type(earlier).__name__}")
        lib.aml_tuner_learn(self._handle, earlier._handle)

    def tell(self, trial, value=None, state="done"):
        """How a trial (or its number) went: a value, one for each goal, or state "pruned" or "failed"."""
        if state not in _STATES[1:]:
            raise ValueError(f"state must be done, pruned or failed, not {state!r}")
        told = trial.number if isinstance(trial, Trial) else count(trial, "a trial's number")
        values = None
        if value is not None:
            if isinstance(value, (str, bytes, dict)):
                raise TypeError(f"a value must be a number, or a sequence of them, not {type(value).__name__}")
            given = [float(v) for v in (value if hasattr(value, "__len__") else [value])]
            if len(given) != len(self.goals):
                raise ValueError(f"the study has {len(self.goals)} goals, {len(given)} values were told")
            values = (c_double * len(given))(*given)
        elif state == "done":
            raise ValueError("a trial that is done has a value")
        lib.aml_tuner_tell(self._handle, told, _STATES.index(state), values)

    # ---- with a function

    def optimize(self, function, n_trials=None, *, time_limit=None, n_jobs=1, catch=(), callback=None):
        """Calls function(trial) until n_trials have ended, time_limit seconds are over or there is nothing left to try.
        It returns a value (one for each goal), or raises Pruned; exceptions of `catch` are failures of the trial,
        all others end the search. Ctrl-C ends it; what was told stays. callback(study, trial) after each."""
        if n_trials is None and time_limit is None:
            raise TypeError("optimize needs n_trials or time_limit")
        run = _Run(self, function, n_trials, time_limit, catch, callback)
        if n_jobs == 1:
            run.work()
        else:
            run.share(n_jobs)
        return self

    # ---- results

    @property
    def goals(self):
        """[(name, "minimize" or "maximize"), …]"""
        goals, name, maximize = [], c_char_p(), c_int()
        while lib.aml_tuner_goal(self._handle, len(goals), byref(name), byref(maximize)):
            goals.append((decode(name.value), "maximize" if maximize.value else "minimize"))
        return goals

    @property
    def best_trials(self):
        """Trials that are done, the best first; of several goals the Pareto front."""
        best, found = [], c_size_t()
        while lib.aml_tuner_best(self._handle, len(best), byref(found)):
            best.append(Trial(self, found.value))
        return best

    @property
    def best_trial(self):
        found = c_size_t()
        if not lib.aml_tuner_best(self._handle, 0, byref(found)):
            raise ValueError("no trial is done yet")
        return Trial(self, found.value)

    @property
    def best_params(self):
        return self.best_trial.params

    @property
    def best_value(self):
        """Of several goals the first one's."""
        return self.value(self.best_trial.number)

    def value(self, trial, goal=0):
        """What was told of a trial (its number) for a goal; NaN: nothing."""
        return lib.aml_tuner_trial_value(self._handle, count(trial, "a trial's number"), count(goal, "goal"))

    def __len__(self):
        return lib.aml_tuner_trials(self._handle)

    @property
    def trials(self):
        """All trials: number, state, a column for each goal and for each parameter."""
        goals = [name for name, _ in self.goals]
        trials = [Trial(self, i) for i in range(len(self))]
        names = list(dict.fromkeys(name for t in trials for name in t.params))
        rows = []
        for t in trials:
            info = new(TunerTrial)
            lib.aml_tuner_trial_at(self._handle, t.number, byref(info))
            values = [self.value(t.number, g) for g in range(len(goals))]
            rows.append((t.number, _STATES[info.outcome], *values, *[t.get(name) for name in names]))
        return Table(["trial", "state", *goals, *names], rows)

    def importance(self, goal=0):
        """{parameter: share} of what distinguishes good trials (PED-ANOVA), downwards; empty before 10 trials are done."""
        return dict(named_numbers(lib.aml_tuner_importance, self._handle, count(goal, "goal")))

    @property
    def notes(self):
        """What one may want to know of the space, a sentence each."""
        notes = []
        while True:
            note = lib.aml_tuner_note(self._handle, len(notes))
            if note is None:
                return notes
            notes.append(decode(note))

    def _summary(self):
        goals = ", ".join(f"{direction} {name}" for name, direction in self.goals)
        best = self.best_trials[:1]
        found = f"; best {show(self.value(best[0].number))} with {best[0].params}" if best else ""
        return f"{goals}: {len(self)} trials{found}"

    def __repr__(self):
        return f"<automl.Study: {self._summary()}>"

    def _repr_html_(self):
        importance = self.importance()
        shares = Table(("parameter", "importance"), importance.items())._repr_html_() if importance else ""
        table = self.trials
        best = {t.number for t in self.best_trials[:10]}
        rows = [row for row in table.rows if row[0] in best]
        order = [t.number for t in self.best_trials[:10]]
        rows.sort(key=lambda row: order.index(row[0]))
        return f"<p>{escape(self._summary())}</p>{Table(table.columns, rows)._repr_html_()}{shares}"


class _Run:
    """One call of optimize, in one or several threads."""

    def __init__(self, study, function, n_trials, time_limit, catch, callback):
        self.study, self.function, self.catch, self.callback = study, function, catch, callback
        self._left = n_trials
        self._end = None if time_limit is None else time.monotonic() + time_limit
        self._lock = threading.Lock()
        self._failure = None
        self._stopped = False

    def _next(self):
        while not self._stopped:
            with self._lock:
                if self._left is not None and self._left <= 0:
                    return None
                if self._end is not None and time.monotonic() >= self._end:
                    return None
                try:
                    trial = self.study.ask()
                    self._left = None if self._left is None else self._left - 1
                    return trial
                except StoppedError:
                    return None
                except TryAgain:
                    pass
            time.sleep(0.001)
        return None

    def _one(self, trial):
        try:
            value = self.function(trial)
        except Pruned:
            self.study.tell(trial, state="pruned")
        except BaseException as failure:
            self.study.tell(trial, state="failed")
            if not isinstance(failure, tuple(self.catch) if isinstance(self.catch, (list, tuple)) else self.catch):
                raise
        else:
            self._told(trial, value)
        if self.callback:
            self.callback(self.study, trial)

    def _told(self, trial, value):
        try:
            self.study.tell(trial, value)
        except (TypeError, ValueError, AutoMLError):
            self.study.tell(trial, state="failed")
            raise

    def work(self):
        while True:
            trial = self._next()
            if trial is None:
                return
            self._one(trial)

    def _worker(self):
        try:
            self.work()
        except BaseException as failure:
            self._failure = self._failure or failure
            self._stopped = True

    def share(self, n_jobs):
        import os

        n = n_jobs if n_jobs > 0 else os.cpu_count() or 1
        threads = [threading.Thread(target=self._worker, daemon=True) for _ in range(n)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.1)
        finally:
            self._stopped = True
        if self._failure is not None:
            raise self._failure


def _document(value, what):
    """Text as it is, anything else as JSON."""
    if value is None or isinstance(value, (str, bytes)):
        return text(value, what)
    return text(json.dumps(value, default=_plain), what)


def _plain(value):
    """NumPy's numbers and arrays."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r} cannot be part of a space")


def _goals(goal):
    if isinstance(goal, (list, tuple)) and all(isinstance(g, str) for g in goal):
        goal = ", ".join(goal)
    return _document(goal, "goal")

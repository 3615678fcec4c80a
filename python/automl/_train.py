"""Training: options, progress, and Ctrl-C, which ends the search and keeps what there is."""

import json
import logging
import threading
import warnings
from ctypes import byref, c_double, c_int, c_void_p, cast, sizeof

from ._errors import StoppedError
from ._frame import Frame, frame_of
from ._library import LOG_FN, PROGRESS_FN, TrainOptions, address, count, decode, lib, number, text, texts
from ._model import Model, threads_of
from ._progress import Display, Update


def train(data, target, *, task=None, metric=None, time_limit=None, trials=None, validation=None, valid=None, drop=None,
          weight=None, group=None, time=None, learners=None, sampler=None, scheduler=None, ensemble=True, seed=0, n_jobs=None,
          max_concurrent_trials=0, memory_limit=0, increasing=None, decreasing=None, interactions=None, featurization=None,
          prefer=None, max_predict_seconds=0.0, max_model_bytes=0, calibration=True, threshold=0.0, exit_score=None,
          patience=0, trial_timeout=0.0, store=None, experiment=None, tags=None, verbose=0, callback=None):
    """Trains a model of the column `target` and returns it.

    data            a path, a Frame, a DataFrame, an Arrow table, a dict of columns, an array (columns x0, x1, …)
    task            "binary", "multiclass", "regression"; None = from the target
    metric          None = auc, log_loss or rmse by task; automl.catalog("metric") lists all
    time_limit      seconds; trials: a number of them. Without either: 60 seconds
    validation      "cv5", "holdout0.2"; valid: rows of their own instead
    drop            columns not to use; weight, group, time: columns with these roles
    learners        names of the learners that may be tried
    featurization   "auto", "all", "off", or a dict as in the experiments of the program
    prefer          "best", "fast", "single", "interpretable"
    seed, n_jobs    with a limit of trials the model is the same for any n_jobs
    verbose         1 = show progress; callback(update): not None or False ends the search

    What happens goes to the logger "automl" as well. Ctrl-C ends the search; the model is made of what there is, and its
    `interrupted` is True."""
    options = Options()
    own = not isinstance(data, Frame)
    frame = frame_of(data, skip=_list(drop) if own else None)
    if drop is not None and own:  # columns that are not read need not be dropped
        drop = [name for name in _list(drop) if name in frame.columns] or None
    options.set(target=text(target, "target"), task=text(task, "task"), metric=text(metric, "metric"),
                time_limit=number(time_limit, "time_limit"), trials=count(trials, "trials"),
                validation=text(validation, "validation"),
                weight=text(weight, "weight"), group=text(group, "group"), time=text(time, "time"),
                sampler=text(sampler, "sampler"), scheduler=text(scheduler, "scheduler"),
                ensemble=0 if ensemble else -1, seed=count(seed, "seed"), threads=threads_of(n_jobs),
                max_concurrent_trials=count(max_concurrent_trials, "max_concurrent_trials", 2**31),
                memory_limit=count(memory_limit, "memory_limit"), prefer=text(prefer, "prefer"),
                max_predict_seconds=number(max_predict_seconds, "max_predict_seconds"),
                max_model_bytes=count(max_model_bytes, "max_model_bytes"), calibration=0 if calibration else -1,
                threshold=number(threshold, "threshold"), patience=count(patience, "patience"),
                trial_timeout=number(trial_timeout, "trial_timeout"), experiment=text(experiment, "experiment"))
    for name, value in (("drop", drop), ("learners", learners), ("increasing", increasing), ("decreasing", decreasing)):
        options.set_names(name, value)
    if tags:
        options.set_names("tags", [f"{k}={v}" for k, v in tags.items()])
    if interactions is not None:
        options.set_groups(interactions)
    if exit_score is not None:
        options.set_number("exit_score", exit_score)
    if valid is not None:
        options.set_frame("valid", frame_of(valid))
    with _Featurization(featurization) as options.struct.featurization, _Store(store) as options.struct.store:
        return run(frame, options, verbose, callback)


def _list(names):
    return [names] if isinstance(names, str) else None if names is None else list(names)


class Options:
    """aml_train_options, and what it points to."""

    def __init__(self):
        self.struct = TrainOptions(size=sizeof(TrainOptions))
        self.stop = c_int(0)
        self.struct.stop = address(self.stop)
        self._keep = []

    def set(self, **members):
        for name, value in members.items():
            setattr(self.struct, name, value)
        self._keep.extend(members.values())

    def _point(self, name, array):
        self._keep.append(array)
        setattr(self.struct, name, address(array))

    def set_names(self, name, values):
        if values is not None:
            self._point(name, texts(values, name))

    def set_groups(self, groups):
        lists = [texts(group, "interactions") for group in groups]
        self._keep.extend(lists)
        self._point("interactions", (c_void_p * (len(lists) + 1))(*[address(x) for x in lists], None))

    def set_number(self, name, value):
        self._point(name, c_double(number(value, name)))

    def set_frame(self, name, frame):
        self._keep.append(frame)
        setattr(self.struct, name, frame._handle)


class _Featurization:
    def __init__(self, value):
        self._text = value if value is None or isinstance(value, str) else json.dumps(value)
        self._handle = c_void_p()

    def __enter__(self):
        if self._text is not None:
            lib.aml_featurization_parse(byref(self._handle), text(self._text, "featurization"))
        return self._handle.value

    def __exit__(self, *failure):
        lib.aml_featurization_free(self._handle)


class _Store:
    def __init__(self, path):
        self._path, self._handle = path, c_void_p()

    def __enter__(self):
        if self._path is not None:
            lib.aml_store_open(byref(self._handle), text(self._path, "store"), 1)
        return self._handle.value

    def __exit__(self, *failure):
        lib.aml_store_close(self._handle)


# detail, info, note, warning; what is noted is no trouble, but is to be seen where logs are
_LEVELS = (logging.DEBUG, logging.INFO, logging.INFO, logging.WARNING)


class _Training(threading.Thread):
    """aml_train in a thread of its own, so that the main one can hear Ctrl-C."""

    def __init__(self, frame, options, on_progress):
        super().__init__(daemon=True, name="automl-train")
        self.out, self.failure = c_void_p(), None
        self.ended = threading.Event()
        self._frame, self._options, self._on_progress = frame, options, on_progress

    def _progress(self, p, arg):
        try:
            return 1 if self._on_progress(Update(p.contents)) else 0
        except BaseException as failure:  # told by the thread that called train
            self.failure = failure
            return 1

    @staticmethod
    def _log(level, words, arg):
        logging.getLogger("automl").log(_LEVELS[min(max(level, 0), 3)], "%s", decode(words))

    def run(self):
        progress, log = PROGRESS_FN(self._progress), LOG_FN(self._log)
        self._options.struct.log = cast(log, c_void_p).value
        if self._on_progress:
            self._options.struct.progress = cast(progress, c_void_p).value
        try:
            lib.aml_train(byref(self.out), self._frame._handle, byref(self._options.struct))
        except BaseException as failure:
            self.failure = self.failure or failure
        finally:
            self.ended.set()


def _wait(training, stop, display):
    """Until it has ended; True when the user interrupted it. (A join that Ctrl-C interrupts may take a thread that runs for
    ended, in Python up to 3.12.)"""
    interrupted = False
    while not training.ended.is_set():
        try:
            training.ended.wait(0.1)
            if display:
                display.show()
        except KeyboardInterrupt:
            stop.value = 1
            interrupted = True
    return interrupted


def run(frame, options, verbose=0, callback=None):
    """Trains with options that are set."""
    display = Display() if verbose else None

    def on_progress(update):
        if display:
            display.tell(update)
        return callback(update) if callback else None

    training = _Training(frame, options, on_progress if display or callback else None)
    if threading.current_thread() is threading.main_thread():
        training.start()
        interrupted = _wait(training, options.stop, display)
    else:
        training.run()
        interrupted = False
    if display:
        display.close()
    if training.failure is not None:
        lib.aml_model_free(training.out)
        if interrupted and isinstance(training.failure, StoppedError):
            raise KeyboardInterrupt from training.failure
        raise training.failure
    model = Model(training.out.value)
    model.interrupted = interrupted
    if interrupted:
        warnings.warn("interrupted: the model is made of the trials that had ended", stacklevel=3)
    return model

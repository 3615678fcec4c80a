"""The shared library: where it is, its functions and structs, and its failures as exceptions."""

import ctypes
import json
import operator
import os
import threading
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_char, c_char_p, c_double, c_int, c_size_t, c_uint, c_uint64,
                    c_void_p, sizeof)

from ._errors import BY_STATUS, AutoMLError

_TYPES = {"s": c_char_p, "p": c_void_p, "z": c_size_t, "i": c_int, "u": c_uint, "d": c_double, "q": c_uint64, "v": None}

# Result, then arguments: s text, p pointer, z size, i int, u unsigned, d double, q 64 bits, v nothing; t is a text to be
# freed, e a status that is checked. As in automl.h.
_FUNCTIONS = {
    "aml_version": "s", "aml_last_error": "p", "aml_text_free": "vp", "aml_catalog_json": "t",
    # frames
    "aml_frame_read": "epsp", "aml_frame_free": "vp", "aml_frame_rows_count": "zp", "aml_frame_columns_count": "zp",
    "aml_frame_column_name": "spz", "aml_frame_text": "spzpsz", "aml_frame_note": "spz",
    "aml_frame_from_arrow": "epppp", "aml_frame_from_arrow_stream": "eppp",
    # training
    "aml_train": "epp" + "p", "aml_featurization_parse": "eps", "aml_featurization_free": "vp",
    "aml_store_open": "epsu", "aml_store_close": "vp",
    # models
    "aml_model_save": "eps", "aml_model_load": "eps", "aml_model_load_memory": "eppz", "aml_model_free": "vp",
    "aml_model_run": "sp", "aml_model_task": "sp", "aml_model_metric": "sp", "aml_model_target": "sp",
    "aml_model_classes": "zp", "aml_model_class": "spz", "aml_model_score": "vpp", "aml_model_leader": "ipzp",
    "aml_model_guardrail": "ipzp", "aml_model_alternative": "ipzp", "aml_model_input": "ipzp", "aml_model_part": "ipzp",
    "aml_model_importance": "ipzpp", "aml_model_inspect_json": "tp", "aml_model_export": "epss",
    # prediction
    "aml_model_read": "epp" + "sppi", "aml_model_read_arrow": "epppppi", "aml_model_read_arrow_stream": "eppppi",
    "aml_model_outputs": "zp", "aml_model_predict": "eppp" + "i", "aml_model_threshold": "dp",
    "aml_model_calibration": "sp", "aml_model_evaluate": "eppp" + "i", "aml_evaluation_metric": "ipzpp",
    "aml_evaluation_rows": "zp", "aml_evaluation_free": "vp",
    # explanation
    "aml_model_explain": "epppp", "aml_explanation_rows": "zp", "aml_explanation_values": "pp",
    "aml_explanation_column": "ipzpp", "aml_explanation_method": "spz", "aml_explanation_free": "vp",
    "aml_model_permute": "epppp", "aml_permutation_column": "ipzppp", "aml_permutation_score": "dp",
    "aml_permutation_rows": "zp", "aml_permutation_free": "vp",
    # tuning
    "aml_tuner_new": "epp", "aml_tuner_open": "epsp", "aml_tuner_save": "eps", "aml_tuner_load": "eps",
    "aml_tuner_free": "vp", "aml_tuner_ask": "epp", "aml_tuner_enqueue": "eps", "aml_tuner_learn": "epp", "aml_tuner_report": "epzddp",
    "aml_tuner_tell": "epzip", "aml_tuner_params_json": "tpz", "aml_tuner_trials": "zp", "aml_tuner_trial_at": "ipzp",
    "aml_tuner_trial_value": "dpzz", "aml_tuner_trial_report": "ipzzpp", "aml_tuner_goal": "ipzpp",
    "aml_tuner_best": "ipzp", "aml_tuner_importance": "ipzzpp", "aml_tuner_note": "spz",
}


def _struct(name, members):
    """Members as "name:type"; type as above, or a number of characters."""
    fields = []
    for member in members.split():
        name_of, kind = member.split(":")
        fields.append((name_of, c_char * int(kind) if kind.isdigit() else _TYPES[kind]))
    return type(name, (Structure,), {"_fields_": fields})


Error = _struct("aml_error", "status:i line:z column:z message:512 file:256 why:512 help:512")
ReadOptions = _struct("aml_read_options", """size:z separator:1 decimal:1 header:i threads:i text:p memory_limit:z encoding:s
    quote:s ragged:s skip_lines:z skip_footer:z schema:s thousands:s escape:s""")
ArrowOptions = _struct("aml_arrow_options", "size:z skip:p categories:p memory_limit:z")
Leader = _struct("aml_leader", """size:z rank:z trial:z pipeline:s learner:s state:s reason:s score:d error:d folds:z
    folds_done:z fit_seconds:d predict_us:d bytes:z weight:d""")
Guardrail = _struct("aml_guardrail", "size:z id:s status:s message:s action:s count:z severity:s unit:s undo:s columns:p")
Progress = _struct("aml_progress", """size:z stage:s trials:z failed:z trials_limit:z seconds:d limit:d best:d best_learner:s
    metric:s last:p run:s restored:z""")
TrainOptions = _struct("aml_train_options", """size:z target:s task:s metric:s time_limit:d seconds_used:d save_reserve:d
    trials:z validation:s valid:p drop:p weight:s group:s time:s learners:p sampler:s scheduler:s ensemble:i seed:q threads:i
    max_concurrent_trials:i memory_limit:z progress:p progress_arg:p stop:p forget:s increasing:p decreasing:p interactions:p
    featurization:p prefer:s max_predict_seconds:d max_model_bytes:z calibration:i threshold:d exit_score:p patience:z
    trial_timeout:d ranges:p store:p experiment:s verb:s tags:p resume:i replay:s model_path:s log:p log_arg:p""")
Score = _struct("aml_score", """size:z value:d low:d high:d baseline:d method:s gain:d gain_low:d gain_high:d linear:d
    linear_gain:d linear_gain_low:d linear_gain_high:d""")
Alternative = _struct("aml_alternative", """size:z name:s members:s n_members:z fits:z score:d error:d predict_us:d bytes:d
    chosen:i""")
InputColumn = _struct("aml_input_column", "size:z name:s kind:s levels:z")
Part = _struct("aml_part", "size:z pipeline:s weight:d fits:z bytes:z")
ExplainOptions = _struct("aml_explain_options", "size:z rows:p n_rows:z draws:z seed:q threads:i")
TunerOptions = _struct("aml_tuner_options", """size:z space:s constraints:s sampler:s scheduler:s goals:s seed:q concurrency:z
    in_order:i trials:z""")
TunerTrial = _struct("aml_tuner_trial", "size:z id:z outcome:i value:d steps:z step:d on_front:i")

PROGRESS_FN = CFUNCTYPE(c_int, POINTER(Progress), c_void_p)
LOG_FN = CFUNCTYPE(None, c_int, c_char_p, c_void_p)


def _candidates():
    here = os.path.dirname(os.path.abspath(__file__))
    named = os.environ.get("AUTOML_LIBRARY")
    if named:
        yield named
        return
    yield os.path.join(here, "libautoml.so")
    from ctypes.util import find_library

    yield find_library("automl")


class _Library:
    """Functions by their names; each gets its types when it is first used. Nothing is loaded before that."""

    def __init__(self):
        self._lock = threading.Lock()
        self._handle = None

    def _load(self):
        with self._lock:
            if self._handle is None:
                self._handle = self._open()
        return self._handle

    @staticmethod
    def _open():
        tried = []
        for path in _candidates():
            if not path:
                continue
            try:
                return ctypes.CDLL(path)
            except OSError as error:
                tried.append(str(error))
        raise ImportError("libautoml cannot be loaded: " + ("; ".join(tried) or "it is not installed") +
                          ". AUTOML_LIBRARY may name its file.")

    def has(self, name):
        return hasattr(self._load(), name)

    def __getattr__(self, name):
        if name not in _FUNCTIONS:
            raise AttributeError(name)
        code = _FUNCTIONS[name]
        function = getattr(self._load(), name)
        function.argtypes = [_TYPES[c] for c in code[1:]]
        function.restype = c_int if code[0] == "e" else c_void_p if code[0] == "t" else _TYPES[code[0]]
        if code[0] == "e":
            function.errcheck = _check
        if code[0] == "t":
            function.errcheck = _take_text
        setattr(self, name, function)
        return function


lib = _Library()


def _check(status, function, arguments):
    if status:
        raise last_error(status)
    return status


def _take_text(address, function, arguments):
    if not address:
        raise MemoryError("out of memory")
    text = ctypes.string_at(address).decode()
    lib.aml_text_free(address)
    return text


def last_error(status):
    """The failure of this thread's last call."""
    e = Error.from_address(lib.aml_last_error())
    kind = BY_STATUS.get(status, AutoMLError)
    texts = [getattr(e, name).decode("utf-8", "replace") for name in ("message", "why", "help", "file")]
    error = kind(*texts, e.line, e.column)
    error.status = status
    return error


def new(kind, **members):
    """A struct with its size and members."""
    return kind(size=sizeof(kind), **members)


def text(value, what="a text"):
    """Bytes for the library, or None."""
    if value is None:
        return None
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str):
        value = value.encode()
    if not isinstance(value, bytes):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}")
    if b"\0" in value:
        raise ValueError(f"{what} must not have a NUL in it")
    return value


def texts(values, what="names"):
    """A NULL-ended array of texts, or None. It has to be kept while the library reads it."""
    if values is None:
        return None
    if isinstance(values, str):
        values = [values]
    values = [text(v, what) for v in values]
    return (c_char_p * (len(values) + 1))(*values, None)


def count(value, what, most=2**63):
    """A whole number, 0 or larger; None is 0."""
    if value is None:
        return 0
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be a whole number, not {type(value).__name__}") from None
    if not 0 <= number < most:
        raise ValueError(f"{what} must not be {'negative' if number < 0 else 'so large'}, got {number}")
    return number


def number(value, what):
    """A number; None is 0."""
    if value is None:
        return 0.0
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{what} must be a number, not {type(value).__name__}")
    return float(value)


def address(array):
    """Of a ctypes array or struct; None stays None."""
    return None if array is None else ctypes.addressof(array)


def decode(value):
    return "" if value is None else value.decode("utf-8", "replace")


def items(function, handle, kind):
    """All structs that function(handle, i, out) gives."""
    i = 0
    while True:
        item = new(kind)
        if not function(handle, i, byref(item)):
            return
        yield item
        i += 1


def named_numbers(function, *arguments):
    """All (name, number) that function(…, i, name, number) gives."""
    i, name, number = 0, c_char_p(), c_double()
    while function(*arguments, i, byref(name), byref(number)):
        yield decode(name.value), number.value
        i += 1


def library_version():
    """The version of the shared library."""
    return decode(lib.aml_version())


def catalog(kind=None):
    """Learners, steps, samplers, schedulers and metrics, as dicts; kind: only those of one."""
    entries = json.loads(lib.aml_catalog_json())
    return [e for e in entries if kind is None or e["kind"] == kind]

"""Frames: tables as the library has them, from files and from whatever Python has."""

import ctypes
import os
import weakref
from ctypes import byref, c_char_p, c_void_p

from . import _arrow
from ._library import ArrowOptions, ReadOptions, address, count, decode, lib, new, text, texts


class Frame:
    """A table in the library's memory. Made by read_csv, or by Frame(data)."""

    def __init__(self, data=None, *, categories=None, skip=None, handle=None, keep=None):
        if handle is None:
            handle, keep = _import(data, None, categories, skip)
        self._handle = handle
        self._keep = keep  # what the library reads in place
        self._finalizer = weakref.finalize(self, _free, handle, keep)

    def __len__(self):
        return lib.aml_frame_rows_count(self._handle)

    @property
    def shape(self):
        return len(self), lib.aml_frame_columns_count(self._handle)

    @property
    def columns(self):
        return [decode(lib.aml_frame_column_name(self._handle, j)) for j in range(self.shape[1])]

    @property
    def notes(self):
        """What was guessed or mended while reading, a sentence each."""
        notes = []
        while True:
            note = lib.aml_frame_note(self._handle, len(notes))
            if note is None:
                return notes
            notes.append(decode(note))

    def text(self, column, row):
        """A cell as text; "" = missing."""
        if not 0 <= row < len(self) or column not in self.columns:
            raise IndexError(f"there is no cell ({column!r}, {row})")
        room = ctypes.create_string_buffer(1 << 16)
        lib.aml_frame_text(room, len(room), self._handle, text(column), row)
        return decode(room.value)

    def __repr__(self):
        n, p = self.shape
        return f"<automl.Frame of {n} rows and {p} columns>"


def _free(handle, keep):
    lib.aml_frame_free(handle)
    del keep


def read_csv(path, *, separator=None, decimal=None, header=None, threads=0, text_columns=None, encoding=None, quote=None,
             ragged=None, skip_lines=0, skip_footer=0, schema=None, thousands=None, escape=None, memory_limit=0):
    """Reads a CSV file, gzip and zstd by content; what is not said is detected."""
    names = texts(text_columns, "text_columns")
    options = new(ReadOptions, separator=_mark(separator), decimal=_mark(decimal), text=address(names),
                  threads=count(threads, "threads", 2**31), header={None: 0, True: 1, False: -1}[header], encoding=text(encoding), quote=text(quote),
                  ragged=text(ragged), skip_lines=count(skip_lines, "skip_lines"), skip_footer=count(skip_footer, "skip_footer"),
                  schema=text(schema), thousands=text(thousands), escape=text(escape),
                  memory_limit=count(memory_limit, "memory_limit"))
    out = c_void_p()
    lib.aml_frame_read(byref(out), text(path, "path"), byref(options))
    return Frame(handle=out.value)


def _mark(value):
    value = text(value) or b"\0"
    if len(value) != 1:
        raise ValueError("separator and decimal are one character each")
    return value


def frame_of(data, *, categories=None, skip=None):
    """`data` as a frame; a frame stays what it is."""
    if isinstance(data, Frame):
        return data
    if isinstance(data, (str, os.PathLike)):
        return read_csv(data, text_columns=None)
    return Frame(data, categories=categories, skip=skip)


def rows_for(model, data, keep=(), with_target=False):
    """`data` as rows for a model: its columns by name, as it knows them."""
    if isinstance(data, Frame):
        return data
    if isinstance(data, (str, os.PathLike)):
        names, out = texts(keep), c_void_p()
        lib.aml_model_read(byref(out), model._handle, text(data), None, address(names), with_target)
        return Frame(handle=out.value)
    handle, kept = _import(data, (model, list(keep), with_target), None, None)
    return Frame(handle=handle, keep=kept)


def _import(data, reader, categories, skip):
    """Frame handle and what it borrows. reader: (model, kept columns, with_target), or None."""
    names = reader[0].input_names if reader else None
    source = _stream_of(data)
    if source is None:
        columns, n = columns_of(data, names, skip)
        array, schema, keep = _arrow.table(columns, n)
        return _read(reader, categories, skip, array, schema), keep
    capsule, kind = source
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = c_void_p, [ctypes.py_object, c_char_p]
    if kind == "stream":
        return _read(reader, categories, skip, get(capsule, b"arrow_array_stream")), None
    array, schema = get(capsule[1], b"arrow_array"), get(capsule[0], b"arrow_schema")
    return _read(reader, categories, skip, array, schema), None


def _read(reader, categories, skip, *parts):
    """parts: addresses of both structs, or of the stream, which are consumed."""
    stream, out = len(parts) == 1, c_void_p()
    if reader:
        model, kept, with_target = reader
        names = texts(kept)
        function = lib.aml_model_read_arrow_stream if stream else lib.aml_model_read_arrow
        function(byref(out), model._handle, *parts, address(names), with_target)
        return out.value
    lists = texts(categories), texts(skip)
    options = new(ArrowOptions, categories=address(lists[0]), skip=address(lists[1]))
    function = lib.aml_frame_from_arrow_stream if stream else lib.aml_frame_from_arrow
    function(byref(out), *parts, byref(options))
    return out.value


def _stream_of(data):
    """The capsules of what speaks Arrow; pandas is read column by column, which needs no pyarrow."""
    if _is_pandas(data):
        return None
    if hasattr(data, "__arrow_c_stream__"):
        return data.__arrow_c_stream__(), "stream"
    if hasattr(data, "__arrow_c_array__"):
        return data.__arrow_c_array__(), "array"
    return None


def _is_pandas(data):
    return type(data).__module__.partition(".")[0] == "pandas"


# ---- columns of other tables

def columns_of(data, names=None, skip=None):
    """({name: Column}, number of rows) of anything that is no frame and does not speak Arrow. names: for arrays."""
    if _is_pandas(data):
        return _of_pandas(data, skip)
    if isinstance(data, dict):
        return _of_dict(data, skip)
    if isinstance(data, (list, tuple)) and data and all(isinstance(row, dict) for row in data):
        keys = dict.fromkeys(key for row in data for key in row)
        return _of_dict({key: [row.get(key) for row in data] for key in keys}, skip)
    return _of_array(matrix_of(data), names, skip)


def matrix_of(data):
    """A NumPy array of two dimensions; sparse matrices are made dense where that is sensible."""
    import numpy as np

    if hasattr(data, "toarray") and hasattr(data, "nnz"):
        if data.shape[0] * data.shape[1] > _arrow.ITEM_LIMIT:
            raise TypeError(f"the sparse matrix of {data.shape[0]} x {data.shape[1]} would be too large when dense: reduce its "
                            f"columns to {_arrow.ITEM_LIMIT} cells or fewer, by TruncatedSVD or a selection")
        return data.toarray()
    array = np.asarray(data)
    if array.dtype.names:
        raise TypeError("structured arrays are not read: give a dict of columns, {name: array[name] for name in "
                        "array.dtype.names}")
    if array.ndim != 2:
        raise ValueError(f"the data must have 2 dimensions, rows and columns, not {array.ndim}")
    return array


def _of_array(array, names, skip):
    n, p = array.shape
    places = [int(name[1:]) for name in names or () if _is_place(name)]
    if not names or len(names) != p or places:
        if places and max(places) >= p:
            raise ValueError(f"the array has {p} columns, the model needs column {max(places)} (counted from 0)")
        names = [f"x{j}" for j in range(p)]
    if array.dtype.kind not in "biufMm":
        array = array.astype(object, copy=False)
        columns = {name: _arrow.of_objects(array[:, j].tolist()) for j, name in enumerate(names)}
    else:
        columns = _arrow.of_matrix(array, names)
    return {k: v for k, v in columns.items() if k not in (skip or ())}, n


def _is_place(name):
    return name[:1] == "x" and name[1:].isdigit()


def _of_dict(data, skip):
    import numpy as np

    columns, lengths = {}, {}
    for key, values in data.items():
        if key in (skip or ()):
            continue
        if _is_pandas(values):
            column = _of_series(values)
        elif isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "biufMm":
            column = _arrow.of_numbers(values)
        elif isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
            raise TypeError(f"column {key!r} must be a sequence of values, not {type(values).__name__}")
        else:
            values = values.tolist() if hasattr(values, "tolist") else list(values)
            column = _arrow.of_objects(values)
        columns[str(key)], lengths[key] = column, column.length
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns must have one length, not {lengths}")
    return columns, next(iter(lengths.values()), 0)


def _of_pandas(data, skip):
    if data.ndim == 1:
        return {str(data.name or "x0"): _of_series(data)}, len(data)
    names = [str(name) for name in data.columns]
    kinds = set(data.dtypes)
    if len(kinds) == 1 and _is_plain(next(iter(kinds))):  # often one array, which needs no copy
        columns = _arrow.of_matrix(data.to_numpy(), names)
        if len(columns) == len(names):
            return {k: v for k, v in columns.items() if k not in (skip or ())}, len(data)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"two columns are named {twice!r}: rename one of them")
    return {name: _of_series(data.iloc[:, j]) for j, name in enumerate(names) if name not in (skip or ())}, len(data)


def _is_plain(dtype):
    """One of NumPy's numbers."""
    return getattr(dtype, "kind", "O") in "iuf" and not hasattr(dtype, "na_value")


def _of_series(series):
    dtype = series.dtype
    name = type(dtype).__name__
    if name == "CategoricalDtype":
        levels = series.cat.categories
        return _arrow.of_categories(series.cat.codes.to_numpy(), _arrow.of_objects(levels.tolist()))
    if name == "DatetimeTZDtype":
        return _arrow.of_numbers(series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    if _is_plain(dtype) or (getattr(dtype, "kind", "O") in "bMm" and not hasattr(dtype, "na_value")):
        return _arrow.of_numbers(series.to_numpy())
    if getattr(dtype, "kind", "O") in "iuf":  # nullable numbers
        return _arrow.of_numbers(series.to_numpy(dtype="f8", na_value=float("nan")))
    return _arrow.of_objects(series.tolist())

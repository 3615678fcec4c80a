"""Columns in memory as arrays of the Arrow C data interface, so that the library reads them where they are."""

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int64, c_void_p

ITEM_LIMIT = 50_000_000  # cells of a sparse matrix that is made dense


class ArrowSchema(Structure):
    _fields_ = [("format", c_char_p), ("name", c_char_p), ("metadata", c_char_p), ("flags", c_int64),
                ("n_children", c_int64), ("children", c_void_p), ("dictionary", c_void_p), ("release", c_void_p),
                ("private_data", c_void_p)]


class ArrowArray(Structure):
    _fields_ = [("length", c_int64), ("null_count", c_int64), ("offset", c_int64), ("n_buffers", c_int64),
                ("n_children", c_int64), ("buffers", c_void_p), ("children", c_void_p), ("dictionary", c_void_p),
                ("release", c_void_p), ("private_data", c_void_p)]


class ArrowArrayStream(Structure):
    _fields_ = [("get_schema", c_void_p), ("get_next", c_void_p), ("get_last_error", c_void_p), ("release", c_void_p),
                ("private_data", c_void_p)]


# The memory is Python's and lives as long as the frame: there is nothing to release but the mark.
@CFUNCTYPE(None, POINTER(ArrowArray))
def _release_array(array):
    array.contents.release = None


@CFUNCTYPE(None, POINTER(ArrowSchema))
def _release_schema(schema):
    schema.contents.release = None


_RELEASE = [ctypes.cast(f, c_void_p).value for f in (_release_array, _release_schema)]


class Column:
    """A column: its Arrow format, its buffers (arrays, bytes, addresses or None) and what keeps them alive."""

    __slots__ = ("format", "length", "buffers", "dictionary", "nulls", "owner")

    def __init__(self, format, length, buffers, dictionary=None, nulls=0, owner=None):
        self.format, self.length, self.buffers = format, length, buffers
        self.dictionary, self.nulls, self.owner = dictionary, nulls, owner


def _address(buffer):
    if buffer is None:
        return 0
    if isinstance(buffer, int):
        return buffer
    if isinstance(buffer, bytes):
        return ctypes.cast(c_char_p(buffer), c_void_p).value
    return buffer.__array_interface__["data"][0]


def table(columns, n):
    """Addresses of an array of structs and of its schema, from {name: Column}, and what keeps them alive. All structs are rows of
    two arrays of 64 bit numbers: one for each column, then the dictionaries, then the table."""
    import numpy as np

    names = [name.encode("utf-8", "surrogatepass") for name in columns]
    for name in names:
        if b"\0" in name:
            raise ValueError(f"a column's name must not have a NUL in it: {name!r}")
    own = list(columns.values())
    coded = [j for j, c in enumerate(own) if c.dictionary is not None]
    parts = own + [own[j].dictionary for j in coded]
    p, total = len(own), len(parts)

    buffers = np.array([_address(b) for c in parts for b in c.buffers] + [0], np.int64)
    counts = [len(c.buffers) for c in parts]
    arrays, schemas = np.zeros((total + 1, 10), np.int64), np.zeros((total + 1, 9), np.int64)
    array_at, schema_at = arrays.ctypes.data, schemas.ctypes.data
    children = np.array([array_at + 80 * j for j in range(p)] + [schema_at + 72 * j for j in range(p)], np.int64)

    pool, at = b"\0".join([b"+s", b""] + names + [c.format.encode() for c in parts]) + b"\0", [3, 4]
    for name in names:
        at.append(at[-1] + len(name) + 1)
    formats = [at[-1]]
    for c in parts:
        formats.append(formats[-1] + len(c.format) + 1)
    text = _address(pool)

    arrays[:total, 0] = [c.length for c in parts]
    arrays[:total, 1] = [c.nulls for c in parts]
    arrays[:total, 3] = counts
    arrays[:total, 5] = buffers.ctypes.data + 8 * (np.cumsum(counts) - counts)
    arrays[coded, 7] = [array_at + 80 * (p + k) for k in range(len(coded))]
    arrays[total, [0, 3, 4, 5, 6]] = [n, 1, p, buffers.ctypes.data + 8 * (len(buffers) - 1), children.ctypes.data]
    arrays[:, 8] = _RELEASE[0]

    schemas[:total, 0] = [text + x for x in formats[:total]]
    schemas[:p, 1] = [text + x for x in at[1:p + 1]]
    schemas[p:, 1] = text + 3
    schemas[:, 3] = 2
    schemas[coded, 6] = [schema_at + 72 * (p + k) for k in range(len(coded))]
    schemas[total, [0, 4, 5]] = [text, p, children.ctypes.data + 8 * p]
    schemas[:, 7] = _RELEASE[1]
    return array_at + 80 * total, schema_at + 72 * total, (parts, buffers, arrays, schemas, children, pool)


# ---- columns of what Python has

_FORMATS = {"i1": "c", "u1": "C", "i2": "s", "u2": "S", "i4": "i", "u4": "I", "i8": "l", "u8": "L", "f2": "e", "f4": "f",
            "f8": "g"}


def of_matrix(array, names):
    """{name: Column} of an array of numbers of two dimensions."""
    import numpy as np

    if array.dtype.kind in "Mmb" or array.dtype.itemsize > 8:
        return {name: of_numbers(array[:, j]) for j, name in enumerate(names)}
    array = np.asfortranarray(array.astype(array.dtype.newbyteorder("="), copy=False))
    format, start, step = _FORMATS[array.dtype.str[1:]], _address(array), array.strides[1]
    return {name: Column(format, len(array), (None, start + j * step), owner=array) for j, name in enumerate(names)}


def of_numbers(array):
    """Of a NumPy array of numbers, truth values, dates or durations; no copy where it is contiguous."""
    import numpy as np

    kind = array.dtype.kind
    if kind in "Mm":
        return _of_dates(array)
    if kind == "b":
        return Column("b", len(array), [None, np.packbits(array, bitorder="little")])
    if kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
    return Column(_FORMATS[array.dtype.str[1:]], len(array), [None, array])


def _of_dates(array):
    import numpy as np

    unit = np.datetime_data(array.dtype)[0]
    if unit not in ("s", "ms", "us", "ns"):
        unit = "s"
    array = array.astype(f"{array.dtype.kind}8[{unit}]", copy=False)
    there = ~np.isnat(array)
    values = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False)).view(np.int64)
    format = ("ts%s:" if array.dtype.kind == "M" else "tD%s") % unit.replace("ms", "m").replace("us", "u").replace("ns", "n")
    nulls = int(len(there) - there.sum())
    return Column(format, len(array), [np.packbits(there, bitorder="little") if nulls else None, values], nulls=nulls)


def of_categories(codes, column):
    """Numbers into a dictionary; -1 is missing."""
    import numpy as np

    codes = np.ascontiguousarray(codes)
    there = codes >= 0
    nulls = int(len(there) - there.sum())
    return Column(_FORMATS[codes.dtype.str[1:]], len(codes),
                  [np.packbits(there, bitorder="little") if nulls else None, codes], dictionary=column, nulls=nulls)


def of_texts(values):
    """Of a sequence of str and missing values."""
    import numpy as np

    pieces = [b"" if v is None else v.encode("utf-8", "surrogatepass") for v in values]
    offsets = np.zeros(len(pieces) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)), out=offsets[1:])
    return Column("U", len(pieces), [None, offsets, b"".join(pieces)])


def _is_missing(value):
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # arrays and the like
        return False


def of_objects(values):
    """Of a sequence of Python objects: numbers, truth values, texts, dates, or a mixture, which is text."""
    import datetime

    import numpy as np

    values = [None if _is_missing(v) else v for v in values]
    there = [v for v in values if v is not None]
    if all(isinstance(v, str) for v in there):
        return of_texts(values) if there else of_numbers(np.full(len(values), np.nan))
    if all(isinstance(v, (bool, np.bool_)) for v in there):
        return of_texts([None if v is None else "true" if v else "false" for v in values])
    if all(isinstance(v, (int, float, np.number, np.bool_)) or type(v).__name__ == "Decimal" for v in there):
        return of_numbers(np.array([np.nan if v is None else float(v) for v in values]))
    if all(isinstance(v, (datetime.date, np.datetime64)) for v in there):
        return _of_dates(np.array([_naive(v) for v in values], "M8[us]"))
    if any(isinstance(v, (list, tuple, dict, set, bytes, np.ndarray)) for v in there):
        odd = next(v for v in there if isinstance(v, (list, tuple, dict, set, bytes, np.ndarray)))
        raise TypeError(f"a cell must be a string, a number, a date or a truth value, not {type(odd).__name__}")
    return of_texts([None if v is None else str(v) for v in values])


def _naive(value):
    """Dates with a time zone in UTC, as Arrow's."""
    import datetime

    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return value

"""Columns in memory as arrays of the Arrow C data interface, so that the library reads them where they are."""

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int64, c_void_p

ITEM_LIMIT = 50_000_000  # cells of a sparse matrix that is made dense


class ArrowSchema(Structure):
    pass


class ArrowArray(Structure):
    pass


class ArrowArrayStream(Structure):
    _fields_ = [("get_schema", c_void_p), ("get_next", c_void_p), ("get_last_error", c_void_p), ("release", c_void_p),
                ("private_data", c_void_p)]


ArrowSchema._fields_ = [
    ("format", c_char_p), ("name", c_char_p), ("metadata", c_char_p), ("flags", c_int64), ("n_children", c_int64),
    ("children", POINTER(POINTER(ArrowSchema))), ("dictionary", POINTER(ArrowSchema)), ("release", c_void_p),
    ("private_data", c_void_p)]
ArrowArray._fields_ = [
    ("length", c_int64), ("null_count", c_int64), ("offset", c_int64), ("n_buffers", c_int64), ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)), ("children", POINTER(POINTER(ArrowArray))), ("dictionary", POINTER(ArrowArray)),
    ("release", c_void_p), ("private_data", c_void_p)]


# The memory is Python's and lives as long as the frame: there is nothing to release but the mark.
@CFUNCTYPE(None, POINTER(ArrowArray))
def _release_array(array):
    array.contents.release = None


@CFUNCTYPE(None, POINTER(ArrowSchema))
def _release_schema(schema):
    schema.contents.release = None


class Column:
    """A column: its Arrow format, its buffers (objects with an address, or None) and what keeps them alive."""

    def __init__(self, format, length, buffers, dictionary=None, nulls=0):
        self.format, self.length, self.buffers = format, length, buffers
        self.dictionary, self.nulls = dictionary, nulls

    def fill(self, array, schema, name, keep):
        """Writes both structs; what they point to is appended to `keep`."""
        addresses = (c_void_p * max(len(self.buffers), 1))(*[_address(b) for b in self.buffers])
        keep.extend((addresses, self.buffers, name))
        array.length, array.null_count, array.n_buffers = self.length, self.nulls, len(self.buffers)
        array.buffers = ctypes.cast(addresses, POINTER(c_void_p))
        array.release = ctypes.cast(_release_array, c_void_p)
        schema.format, schema.name, schema.flags = self.format.encode(), name, 2
        schema.release = ctypes.cast(_release_schema, c_void_p)
        if self.dictionary is None:
            return
        values, types = ArrowArray(), ArrowSchema()
        self.dictionary.fill(values, types, b"", keep)
        keep.extend((values, types))
        array.dictionary, schema.dictionary = ctypes.pointer(values), ctypes.pointer(types)


def _address(buffer):
    if buffer is None:
        return None
    if isinstance(buffer, bytes):
        return ctypes.cast(ctypes.c_char_p(buffer), c_void_p).value
    return buffer.ctypes.data


def table(columns, n):
    """An array of structs and its schema from {name: Column}, and what keeps them alive."""
    keep, p = [], len(columns)
    array, schema = ArrowArray(), ArrowSchema()
    arrays, schemas = (ArrowArray * p)(), (ArrowSchema * p)()
    children, fields = (POINTER(ArrowArray) * p)(), (POINTER(ArrowSchema) * p)()
    for j, (name, column) in enumerate(columns.items()):
        name = name.encode()
        if b"\0" in name:
            raise ValueError(f"the name of column {j} must not have a NUL in it")
        column.fill(arrays[j], schemas[j], name, keep)
        children[j], fields[j] = ctypes.pointer(arrays[j]), ctypes.pointer(schemas[j])
    nothing = (c_void_p * 1)()
    array.length, array.n_buffers, array.n_children = n, 1, p
    array.buffers = ctypes.cast(nothing, POINTER(c_void_p))
    array.children = ctypes.cast(children, POINTER(POINTER(ArrowArray)))
    array.release = ctypes.cast(_release_array, c_void_p)
    schema.format, schema.name, schema.n_children = b"+s", b"", p
    schema.children = ctypes.cast(fields, POINTER(POINTER(ArrowSchema)))
    schema.release = ctypes.cast(_release_schema, c_void_p)
    keep.extend((arrays, schemas, children, fields, nothing))
    return array, schema, keep


# ---- columns of what Python has

_FORMATS = {"i1": "c", "u1": "C", "i2": "s", "u2": "S", "i4": "i", "u4": "I", "i8": "l", "u8": "L", "f2": "e", "f4": "f",
            "f8": "g"}


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

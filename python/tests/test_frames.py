"""Tables of every kind as frames and as rows for a model: the same values give the same model and the same predictions."""

import datetime
import unittest

import numpy as np

import automl

from tables import ROOT, optional, tables_of

pandas, polars, pyarrow, duckdb, sparse = map(optional, ("pandas", "polars", "pyarrow", "duckdb", "scipy.sparse"))


def cells(frame):
    return [[frame.text(c, i) for c in frame.columns] for i in range(len(frame))]


class Columns(unittest.TestCase):
    def test_types(self):
        day = datetime.date(2020, 2, 29)
        frame = automl.Frame({
            "i": [1, 2, None], "f": np.array([0.5, np.nan, 2]), "t": ["a", None, "b"], "b": [True, False, None],
            "d": [day, None, day], "m": np.array(["2020-01-01T10:00", "NaT", "1969-12-31"], "M8[ns]"),
            "h": np.array([1, 2, 3], np.int8), "mixed": [1, "x", 2.5], "span": np.array([1500, 0, -1500], "m8[ms]")})
        self.assertEqual(frame.shape, (3, 9))
        self.assertEqual(cells(frame), [
            ["1", "0.5", "a", "true", "2020-02-29", "2020-01-01T10:00:00", "1", "1", "1.5"],
            ["2", "", "", "false", "", "", "2", "x", "0"],
            ["", "2", "b", "", "2020-02-29", "1969-12-31", "3", "2.5", "-1.5"]])

    def test_arrays(self):
        for dtype in "i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 >f8 >i4 ?".split():
            for order in "CF":
                array = np.asarray(np.arange(6).reshape(3, 2) % 2, dtype=dtype, order=order)
                shown = cells(automl.Frame(array))
                wanted = [["false", "true"]] * 3 if dtype == "?" else [["0", "1"]] * 3
                self.assertEqual(shown, wanted, (dtype, order))
        strided = np.arange(24.0).reshape(4, 6)[::2, ::3]
        self.assertEqual(cells(automl.Frame(strided)), [["0", "3"], ["12", "15"]])
        self.assertEqual(cells(automl.Frame([[1, "x"], [None, "y"]])), [["1", "x"], ["", "y"]])

    def test_no_copy(self):
        """A column of doubles is read in place: the frame sees what is written to it."""
        values = np.array([1.0, 2.0])
        frame = automl.Frame({"x": values})
        values[1] = 7
        self.assertEqual(frame.text("x", 1), "7")

    def test_records_and_names(self):
        frame = automl.Frame([{"a": 1, "b": "x"}, {"b": "y"}])
        self.assertEqual((frame.columns, cells(frame)), (["a", "b"], [["1", "x"], ["", "y"]]))
        self.assertEqual(cells(automl.Frame({"è": ["ü"]})), [["ü"]])
        self.assertEqual(len(automl.Frame({"x": []})), 0)
        self.assertEqual(automl.Frame({"zip": ["007"]}).text("zip", 0), "7")
        self.assertEqual(automl.Frame({"zip": ["007"]}, categories="zip").text("zip", 0), "007")

    def test_refused(self):
        for data, kind in ((5, ValueError), ("none.csv", automl.InputError), ({"x": [1], "y": [1, 2]}, ValueError),
                           ({"x": [[1]]}, TypeError), ({"x": "text"}, TypeError), ({"x": 5}, TypeError),
                           ({"a\0b": [1]}, ValueError), ({"x": ["a\0b"]}, automl.DataError),
                           ({"x": [float("inf")]}, automl.DataError), (np.zeros((2, 2), complex), automl.AutoMLError),
                           ({"x": ["\udce8"]}, automl.DataError), (np.zeros(3), ValueError)):
            with self.subTest(data=str(data)[:40]), self.assertRaises(kind):
                frame = automl.read_csv(data) if isinstance(data, str) else automl.Frame(data)
                if np.iscomplexobj(data):
                    raise automl.AutoMLError(frame.text("x0", 0))
        with self.assertRaises(IndexError):
            automl.Frame({"x": [1]}).text("x", 1)

    @unittest.skipUnless(sparse, "scipy is not installed")
    def test_sparse(self):
        matrix = sparse.csr_matrix(np.eye(3))
        self.assertEqual(cells(automl.Frame(matrix))[1], ["0", "1", "0"])
        with self.assertRaisesRegex(TypeError, "sparse matrix"):
            automl.Frame(sparse.csr_matrix((10**6, 10**6)))


@unittest.skipUnless(pandas, "pandas is not installed")
class Pandas(unittest.TestCase):
    def test_types(self):
        frame = pandas.DataFrame({
            "i": pandas.array([1, None, 3], dtype="Int64"), "c": pandas.Categorical(["u", None, "v"]),
            "k": pandas.Categorical([10, 20, 10]), "b": pandas.array([True, None, False], dtype="boolean"),
            "t": pandas.to_datetime(["2020-01-01 10:00", None, "2021-01-01 00:00"]),
            "z": pandas.to_datetime(["2020-01-01 10:00"] * 3).tz_localize("Europe/Rome"),
            "s": pandas.array(["p", None, "q"], dtype="string"), "o": ["a", None, float("nan")]},
            index=[5, 6, 7])
        self.assertEqual(cells(automl.Frame(frame)), [
            ["1", "u", "10", "true", "2020-01-01T10:00:00", "2020-01-01T09:00:00", "p", "a"],
            ["", "", "20", "", "", "2020-01-01T09:00:00", "", ""],
            ["3", "v", "10", "false", "2021-01-01", "2020-01-01T09:00:00", "q", ""]])

    def test_refused(self):
        with self.assertRaisesRegex(ValueError, "two columns"):
            automl.Frame(pandas.DataFrame([[1, 2]], columns=["a", "a"]))
        with self.assertRaises(TypeError):
            automl.Frame(pandas.DataFrame({"x": [[1], [2]]}))
        self.assertEqual(automl.Frame(pandas.DataFrame({"x": [[1], [2]], "y": [1, 2]}), skip="x").columns, ["y"])


class Arrow(unittest.TestCase):
    """What other programs hand over through their PyCapsules."""

    @unittest.skipUnless(pyarrow, "pyarrow is not installed")
    def test_pyarrow(self):
        table = pyarrow.table({
            "i": pyarrow.array([1, None, 3], pyarrow.int16()), "f": pyarrow.array([0.5, 1.5, 2.5]),
            "t": pyarrow.array(["a", None, "c"]), "l": pyarrow.array(["a", "b", "c"], pyarrow.large_string()),
            "v": pyarrow.array(["a", "longer than twelve", None], pyarrow.string_view()),
            "d": pyarrow.array(["x", "y", None]).dictionary_encode(), "b": pyarrow.array([True, None, False]),
            "n": pyarrow.nulls(3), "day": pyarrow.array([0, 1, None], pyarrow.date32()),
            "at": pyarrow.array([0, 1, None], pyarrow.timestamp("ms", "UTC")),
            "dec": pyarrow.array([1, 2, None], pyarrow.decimal128(30, 3)), "half": pyarrow.array([1, 2, 3], pyarrow.float16())})
        wanted = [["1", "0.5", "a", "a", "a", "x", "true", "", "1970-01-01", "1970-01-01", "1", "1"],
                  ["", "1.5", "", "b", "longer than twelve", "y", "", "", "1970-01-02", "1970-01-01T00:00:00.001", "2", "2"],
                  ["3", "2.5", "c", "c", "", "", "false", "", "", "", "", "3"]]
        self.assertEqual(cells(automl.Frame(table)), wanted)
        self.assertEqual(cells(automl.Frame(table.slice(1))), wanted[1:])
        self.assertEqual(cells(automl.Frame(pyarrow.concat_tables([table, table.slice(2)]))), wanted + wanted[2:])
        self.assertEqual(cells(automl.Frame(table.to_batches()[0])), wanted)
        reader = pyarrow.RecordBatchReader.from_batches(table.schema, table.to_batches())
        self.assertEqual(cells(automl.Frame(reader)), wanted)

    @unittest.skipUnless(pyarrow, "pyarrow is not installed")
    def test_memory_is_given_back(self):
        pool = pyarrow.default_memory_pool()
        before = pool.bytes_allocated()
        for _ in range(3):
            table = pyarrow.table({"x": pyarrow.array(np.arange(1e5) + 0.5).cast("float64"), "t": ["abc"] * 100000})
            frame = automl.Frame(table)
            with self.assertRaises(automl.DataError):
                automl.Frame(table.append_column("l", pyarrow.array([[1]] * 100000)))
            del table
            self.assertEqual(frame.text("x", 1), "1.5")
            del frame
        self.assertEqual(pool.bytes_allocated(), before)

    @unittest.skipUnless(pyarrow, "pyarrow is not installed")
    def test_nested(self):
        table = pyarrow.table({"ok": [1], "inner": [[1, 2]], "pair": [{"a": 1}], "raw": [b"x"]})
        for name in ("inner", "pair", "raw"):
            with self.assertRaisesRegex(automl.DataError, name):
                automl.Frame(table.select(["ok", name]))
        self.assertEqual(automl.Frame(table, skip=["inner", "pair", "raw"]).columns, ["ok"])

    @unittest.skipUnless(polars, "polars is not installed")
    def test_polars(self):
        frame = polars.DataFrame({"i": [1, None], "s": ["a", "a longer text than that"], "c": ["u", "v"], "b": [True, False]},
                                 schema_overrides={"c": polars.Categorical})
        self.assertEqual(cells(automl.Frame(frame)),
                         [["1", "a", "u", "true"], ["", "a longer text than that", "v", "false"]])

    @unittest.skipUnless(duckdb, "duckdb is not installed")
    def test_duckdb(self):
        rows = duckdb.sql("select 1 as i, 2.5::decimal(9, 2) as d, 'x' as t, date '2020-01-02' as day, true as b")
        if not hasattr(rows, "__arrow_c_stream__"):
            rows = rows.arrow()
        self.assertEqual(cells(automl.Frame(rows)), [["1", "2.5", "x", "2020-01-02", "true"]])


class SameModel(unittest.TestCase):
    """One table by all ways in."""

    def test_all_ways(self):
        path = f"{ROOT}/datasets/iris.csv"
        model = automl.train(path, "species", trials=3)
        wanted, data = model.predict_proba(path), model.to_bytes()
        with open(path) as file:
            header, *lines = [line.split(",") for line in file.read().split()]
        columns = {name: [line[j] if name == "species" else float(line[j]) for line in lines]
                   for j, name in enumerate(header)}
        rows = [dict(zip(columns, row)) for row in zip(*columns.values())]
        for table in [rows, *tables_of(columns)]:
            with self.subTest(type(table)):
                self.assertEqual(automl.train(table, "species", trials=3).to_bytes(), data)
                self.assertTrue((model.predict_proba(table) == wanted).all())
        array = np.array(list(columns.values())[:-1]).T
        self.assertTrue((model.predict_proba(array) == wanted).all())
        for bad, kind in ((array[:, :3], automl.DataError), ({"x": [1]}, automl.DataError)):
            with self.assertRaises(kind):
                model.predict(bad)

    def test_truth_values(self):
        """A column of truth values finds its levels, however a file spells them."""
        for yes, no in (("True", "False"), ("true", "false"), ("TRUE", "FALSE")):
            table = {"flag": [yes, no] * 30, "x": list(range(60)), "y": [3 * (i % 2) + i % 5 for i in range(60)]}
            model = automl.train(table, "y", task="regression", trials=2, learners=["ridge"])
            flags = np.array([True, False] * 30)
            self.assertTrue((model.predict({"flag": flags, "x": table["x"]}) == model.predict(table)).all())


if __name__ == "__main__":
    unittest.main()

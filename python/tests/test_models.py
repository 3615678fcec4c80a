"""Training, models, their files, explanations, errors, Ctrl-C."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import unittest.mock
import warnings

import numpy as np

import automl

from tables import ROOT, optional

DIABETES, CANCER = f"{ROOT}/datasets/diabetes.csv", f"{ROOT}/datasets/breast_cancer.csv"


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = automl.train(CANCER, "diagnosis", trials=4, learners=["gbdt", "logistic"])
        cls.rows = automl.read_csv(CANCER)

    def test_what_it_tells(self):
        m = self.model
        self.assertEqual((m.task, m.metric, m.target), ("binary", "auc", "diagnosis"))
        self.assertEqual(list(m.classes), m.class_names)
        self.assertEqual(len(m.inputs), len(m.input_names))
        self.assertTrue(0.9 < m.score["low"] < m.score["value"] <= 1)
        board = m.leaderboard
        self.assertEqual(board["rank"][0], 1)
        self.assertIn("ensemble", board["learner"])
        self.assertAlmostEqual(sum(m.importance.values()), 1)
        self.assertAlmostEqual(sum(m.parts["weight"]), 1)
        self.assertTrue(any(m.alternatives["chosen"]))
        for table in (board, m.guardrails, m.alternatives, m.parts, m.inputs):
            self.assertIn("<table>", table._repr_html_())
        self.assertIn("&#x27;diagnosis&#x27;", m._repr_html_())
        self.assertIn("auc", repr(m))
        if optional("pandas"):
            self.assertEqual(list(board.to_pandas().columns), board.columns)

    def test_prediction(self):
        m = self.model
        proba = m.predict_proba(self.rows)
        self.assertEqual(proba.shape, (len(self.rows), 2))
        self.assertTrue(np.allclose(proba.sum(axis=1), 1))
        chosen = m.classes[(proba[:, 1] > m.threshold).astype(int)]
        self.assertTrue((m.predict(CANCER) == chosen).all())
        self.assertGreater(m.evaluate(CANCER)["auc"], 0.97)
        self.assertTrue((m.predict_proba(self.rows, n_jobs=1) == m.predict_proba(self.rows, n_jobs=2)).all())

    def test_files(self):
        wanted = self.model.predict_proba(self.rows)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "m.automl")
            self.model.save(path)
            self.assertTrue((automl.load(path).predict_proba(self.rows) == wanted).all())
            with self.assertRaises(automl.OutputError):
                self.model.save(os.path.join(folder, "none", "m.automl"))
            with open(path, "rb") as file:
                data = file.read()
        self.assertEqual(data, self.model.to_bytes())
        for again in (pickle.loads(pickle.dumps(self.model)), copy.deepcopy(self.model), automl.Model.from_bytes(data)):
            self.assertTrue((again.predict_proba(self.rows) == wanted).all())
        for bad in (b"", b"no model", data[:-1], data[:100], data[:2000] + b"x" + data[2001:]):
            with self.assertRaises(automl.AutoMLError):
                automl.Model.from_bytes(bad)
        with self.assertRaises(FileNotFoundError):
            automl.load("none.automl")

    def test_explanations(self):
        explanation = self.model.explain(self.rows, rows=[0, 5])
        outputs = self.model.predict_proba(self.rows)[[0, 5], 1]
        self.assertTrue(np.allclose(explanation.values.sum(axis=1) + explanation.base, outputs))
        self.assertEqual(list(explanation.row(0))[0], max(explanation.row(0), key=lambda c: abs(explanation.row(0)[c])))
        self.assertIn("contribution", repr(explanation))
        lost = self.model.permutation_importance(CANCER, rows=range(100))
        self.assertEqual(lost.columns, ["column", "auc_lost", "error"])
        several = automl.train(f"{ROOT}/datasets/iris.csv", "species", trials=2)
        self.assertEqual(several.explain(f"{ROOT}/datasets/iris.csv", rows=[1]).values.shape, (1, 4, 3))
        with self.assertRaises(automl.UsageError):
            self.model.explain(self.rows, rows=[10**9])

    def test_threads_share_a_model(self):
        wanted, seen = self.model.predict_proba(self.rows), []
        work = [threading.Thread(target=lambda: seen.append(self.model.predict_proba(self.rows, n_jobs=1))) for _ in range(8)]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
        self.assertEqual(len(seen), 8)
        self.assertTrue(all((s == wanted).all() for s in seen))

    def test_regression_has_no_probabilities(self):
        model = automl.train(DIABETES, "progression", trials=2, learners=["ridge"])
        self.assertIsNone(model.classes)
        self.assertEqual(model.predict(DIABETES).dtype, np.float64)
        with self.assertRaises(AttributeError):
            model.predict_proba(DIABETES)


class Training(unittest.TestCase):
    def test_options(self):
        seen = []
        model = automl.train(DIABETES, "progression", metric="mae", trials=4, learners=["ridge", "gbdt"], drop=["sex"],
                             increasing=["bmi"], interactions=[["bmi", "bp"], ["s1", "s2"]], validation="cv3",
                             featurization={"mode": "off"}, exit_score=1e-9, seed=5, n_jobs=2, callback=seen.append)
        self.assertEqual(model.metric, "mae")
        self.assertNotIn("sex", model.input_names)
        self.assertEqual([u.trials for u in seen if u.stage == "search"], [1, 2, 3, 4])

    def test_threads_give_the_same(self):
        models = [automl.train(DIABETES, "progression", trials=3, n_jobs=n).to_bytes() for n in (1, 2)]
        self.assertEqual(*models)

    def test_weights_and_validation_rows(self):
        rows = {"x": list(range(40)), "y": [float(i % 7) for i in range(40)], "w": [1.0, 2.0] * 20}
        model = automl.train(rows, "y", weight="w", trials=2, task="regression", valid=rows)
        self.assertEqual(model.input_names, ["x"])

    def test_store(self):
        with tempfile.TemporaryDirectory() as folder:
            store = os.path.join(folder, "runs.db")
            automl.train(DIABETES, "progression", trials=2, store=store, experiment="e", tags={"a": 1})
            self.assertTrue(os.path.exists(store))

    def test_callback_ends_and_fails(self):
        model = automl.train(DIABETES, "progression", trials=1000, callback=lambda u: u.trials >= 2)
        self.assertLess(len(model.leaderboard), 20)

        def fails(update):
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            automl.train(DIABETES, "progression", trials=3, callback=fails)

    def test_progress(self):
        code = f"import automl; automl.train({DIABETES!r}, 'progression', trials=2, learners=['ridge'], verbose=1)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertIn("of 2 trials", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_progress_in_notebooks(self):
        """With the parts of IPython that are used."""
        from types import ModuleType, SimpleNamespace

        from automl._progress import Display

        shown = []
        ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
        ipython.get_ipython = lambda: SimpleNamespace(kernel=True)
        display.HTML = str
        display.display = lambda html, display_id: shown.append(html) or SimpleNamespace(update=shown.append)
        with unittest.mock.patch.dict(sys.modules, {"IPython": ipython, "IPython.display": display}):
            view = Display()
            update = SimpleNamespace(stage="search", trials=1, trials_limit=4)
            view.tell(update)
            view.show()
            view.tell(update)
            view.close()
        self.assertEqual(len(shown), 2)
        self.assertIn('value="0.250"', shown[0])

    def test_log(self):
        with self.assertLogs("automl", "DEBUG") as log:
            automl.train(DIABETES, "progression", trials=2, learners=["ridge"])
        self.assertTrue(log.output)

    def test_errors(self):
        for options, kind, words in (
                ({"target": "progresion"}, automl.DataError, "did you mean `progression`"),
                ({"metric": "rmsee"}, automl.AutoMLError, "rmse"),
                ({"learners": ["gbt"]}, automl.AutoMLError, "gbdt"),
                ({"task": "ranking"}, automl.UsageError, "regression"),
                ({"featurization": {"mod": 1}}, automl.ConfigError, "mode"),
                ({"target": 5}, TypeError, "str"),
                ({"trials": -1}, ValueError, "negative"),
                ({"drop": ["nope"]}, automl.AutoMLError, "nope")):
            with self.subTest(options), self.assertRaises(kind) as caught:
                automl.train(automl.read_csv(DIABETES), **{"target": "progression", "trials": 1, **options})
            self.assertIn(words, str(caught.exception))
        self.assertEqual(automl.DataError.status, 65)
        self.assertTrue(issubclass(automl.DataError, ValueError))


class Interrupts(unittest.TestCase):
    def run_and_interrupt(self, code):
        child = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        child.stdout.readline()  # the search is under way
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=120)
        return child.returncode, out, err

    def test_fit(self):
        """Ctrl-C ends the search, and the model is made of what there is."""
        code = f"""import automl, numpy as np
model = automl.train({DIABETES!r}, "progression", time_limit=600, callback=lambda u: print(u) if u.trials == 2 else None)
print("model", model.interrupted, len(model.predict({DIABETES!r})))"""
        status, out, err = self.run_and_interrupt(code)
        self.assertEqual(status, 0, err)
        self.assertIn("model True 442", out)
        self.assertIn("interrupted", err)

    def test_study(self):
        code = """import automl, time
study = automl.Study("x = float(0, 1)")
try:
    study.optimize(lambda t: (print(t.number), time.sleep(0.2), t["x"])[-1], 10**6, n_jobs=2)
except KeyboardInterrupt:
    print("told", study.trials["state"].count("done") >= 0)"""
        status, out, err = self.run_and_interrupt(code)
        self.assertEqual(status, 0, err)
        self.assertIn("told True", out)


class Package(unittest.TestCase):
    def test_import_is_lazy(self):
        code = "import sys, automl; print(sorted({'numpy', 'pandas', 'sklearn', 'ctypes'} & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.strip(), "[]")

    def test_names(self):
        self.assertEqual(automl.__version__, automl.library_version())
        for name in automl.__all__:
            if name.startswith("AutoML") and name != "AutoMLError" and not optional("sklearn"):
                continue
            self.assertIsNotNone(getattr(automl, name))
        with self.assertRaises(AttributeError):
            automl.nothing
        self.assertIn("gbdt", [e["name"] for e in automl.catalog("learner")])

    def test_no_library(self):
        env = {**os.environ, "AUTOML_LIBRARY": "/none/libautoml.so"}
        done = subprocess.run([sys.executable, "-c", "import automl; automl.catalog()"], capture_output=True, text=True, env=env)
        self.assertIn("libautoml cannot be loaded", done.stderr)


if __name__ == "__main__":
    warnings.simplefilter("error")
    unittest.main()

"""The estimators with scikit-learn's own tools. check_estimator itself is in check_estimators.py."""

import copy
import pickle
import unittest

import numpy as np

import automl

from tables import optional, tables_of

sklearn, sparse = map(optional, ("sklearn", "scipy.sparse"))


def classes(n=200, labels=("no", "yes"), seed=0):
    rng = np.random.RandomState(seed)
    X = rng.rand(n, 3)
    return X, np.array(labels)[((X[:, 0] + X[:, 1] > 1).astype(int) + (X[:, 2] > 0.8) * (len(labels) > 2))]


class Classifier(unittest.TestCase):
    def test_labels(self):
        for labels in (("no", "yes"), ("b", "a", "c"), (3, 1, 2), (False, True), (10, 9), (1.5, 2.5), (-1, 1),
                       ("NA", "x"), (" a", "a"), ("1", "01"), ("", "e"), ("10", "9", "100")):
            X, y = classes(labels=labels)
            if y.dtype.kind == "f":
                y = y.astype(str).astype(object)
            with self.subTest(labels):
                model = automl.AutoMLClassifier(trials=2, learners=["logistic", "gbdt"]).fit(X, y)
                self.assertEqual(list(model.classes_), sorted(set(y.tolist())))
                self.assertGreater(model.score(X, y), 0.9)
                proba = model.predict_proba(X)
                self.assertTrue((model.classes_[proba.argmax(axis=1)] == model.predict(X)).all())
                self.assertTrue(np.allclose(proba.sum(axis=1), 1))

    def test_many_classes(self):
        rng = np.random.RandomState(0)
        X = rng.rand(600, 2)
        y = (X[:, 0] * 30).astype(int) * 3 - 20
        model = automl.AutoMLClassifier(trials=2, learners=["gbdt"]).fit(X, y)
        self.assertEqual(list(model.classes_), sorted(set(y)))
        self.assertGreater(model.score(X, y), 0.8)

    def test_pickle_copy_clone(self):
        X, y = classes()
        model = automl.AutoMLClassifier(trials=2, random_state=1).fit(X, y)
        wanted = model.predict_proba(X)
        for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
            self.assertTrue((again.predict_proba(X) == wanted).all())
        if sklearn:
            from sklearn.base import clone

            fresh = clone(model)
            self.assertFalse(hasattr(fresh, "model_"))
            self.assertTrue((fresh.fit(X, y).predict_proba(X) == wanted).all())

    def test_random_state(self):
        X, y = classes()
        states = [0, 0, 3, np.random.RandomState(4), np.random.default_rng(4), None]
        scores = [automl.AutoMLClassifier(trials=2, random_state=s).fit(X, y).predict_proba(X) for s in states]
        self.assertTrue((scores[0] == scores[1]).all() and (scores[0] == scores[5]).all())

    def test_tables(self):
        X, y = classes()
        columns = {"a": X[:, 0], "b": X[:, 1], "target": X[:, 2], "w": np.where(X[:, 0] > 0.5, "u", "v")}
        wanted = None
        for table in tables_of(columns):
            with self.subTest(type(table)):
                model = automl.AutoMLClassifier(trials=2).fit(table, y)
                self.assertEqual(list(model.feature_names_in_), list(columns))
                proba = model.predict_proba(table)
                wanted = proba if wanted is None else wanted
                self.assertTrue((proba == wanted).all())
                self.assertEqual(len(model.feature_importances_), 4)
                self.assertEqual(model.explain(table, rows=[0]).values.shape, (1, 4))

    @unittest.skipUnless(sparse, "scipy is not installed")
    def test_sparse(self):
        X, y = classes()
        X[X < 0.3] = 0
        model = automl.AutoMLClassifier(trials=2).fit(X, y)
        again = automl.AutoMLClassifier(trials=2).fit(sparse.csr_matrix(X), y)
        self.assertTrue((model.predict_proba(sparse.csc_matrix(X)) == again.predict_proba(X)).all())

    def test_weights(self):
        X, y = classes(60)
        model = automl.AutoMLClassifier(trials=2)
        weights = np.arange(60) % 3
        wanted = model.fit(X.repeat(weights, axis=0), y.repeat(weights)).predict_proba(X)
        self.assertTrue((model.fit(X, y, sample_weight=weights).predict_proba(X) == wanted).all())

    def test_refused(self):
        X, y = classes(30)
        model = automl.AutoMLClassifier(trials=1)
        for bad, words in (((X, y[:-1]), "inconsistent"), ((X[:, 0], y), "2D"), ((X, np.full(30, "a")), "class"),
                           ((np.where(X > 0.5, np.inf, X), y), "infinity"), ((X, None), "None")):
            with self.assertRaisesRegex(ValueError, words):
                model.fit(*bad)
        with self.assertRaisesRegex(ValueError, "negative"):
            model.fit(X, y, sample_weight=-np.ones(30))
        with self.assertRaisesRegex(ValueError, "gbdt"):
            automl.AutoMLClassifier(trials=1, learners=["gbt"]).fit(X, y)
        with self.assertRaises(Exception) as caught:
            automl.AutoMLClassifier().predict(X)
        self.assertEqual(type(caught.exception).__name__, "NotFittedError")


class Regressor(unittest.TestCase):
    def test_missing_values(self):
        rng = np.random.RandomState(0)
        X = rng.rand(300, 3)
        y = 5 * X[:, 0] + X[:, 1]
        X[rng.rand(*X.shape) < 0.1] = np.nan
        model = automl.AutoMLRegressor(trials=3).fit(X, y)
        self.assertGreater(model.score(X, y), 0.6)
        self.assertEqual(model.leaderboard_["rank"][0], 1)
        self.assertIn("html", str(model._repr_mimebundle_().keys()))


@unittest.skipUnless(sklearn, "scikit-learn is not installed")
class Tools(unittest.TestCase):
    def test_pipeline_and_search(self):
        from sklearn.model_selection import GridSearchCV, cross_val_score
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        X, y = classes(120)
        model = automl.AutoMLClassifier(trials=2, learners=["logistic"])
        pipeline = make_pipeline(StandardScaler(), model)
        self.assertGreater(cross_val_score(pipeline, X, y, cv=2).mean(), 0.7)
        search = GridSearchCV(model, {"learners": [["logistic"], ["gbdt"]]}, cv=2, n_jobs=2).fit(X, y)
        self.assertEqual(len(search.cv_results_["params"]), 2)
        self.assertEqual(model.get_params()["trials"], 2)


if __name__ == "__main__":
    unittest.main()

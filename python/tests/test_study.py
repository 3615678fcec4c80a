"""Studies: ask and tell, functions, pruning, threads, files, errors."""

import os
import tempfile
import threading
import unittest

import automl

SPACE = "x = float(-3, 3); y = float(-3, 3); kind = choice(a, b)"


def bowl(trial):
    return (trial["x"] - 1) ** 2 + trial["y"] ** 2 + (trial["kind"] == "b")


class Studies(unittest.TestCase):
    def test_ask_and_tell(self):
        study = automl.Study({"lr": {"type": "log_float", "min": 1e-4, "max": 0.1}, "n": [1, 2, 4]}, "maximize score", seed=1)
        for _ in range(5):
            trial = study.ask()
            self.assertTrue(1e-4 <= trial["lr"] <= 0.1 and trial["n"] in (1, 2, 4))
            study.tell(trial, trial["n"])
        self.assertEqual(study.goals, [("score", "maximize")])
        self.assertEqual(study.best_value, max(study.trials["score"]))
        self.assertEqual(study.best_params, study.best_trial.params)

    def test_optimize(self):
        study = automl.Study(SPACE, "minimize loss", seed=3).optimize(bowl, 60)
        self.assertEqual(len(study), 60)
        self.assertLess(study.best_value, 0.5)
        importance = study.importance()
        self.assertAlmostEqual(sum(importance.values()), 1)
        self.assertEqual(set(importance), {"x", "y", "kind"})
        self.assertIn("<table>", study._repr_html_())
        self.assertIn("60 trials", repr(study))

    def test_same_seed_same_search(self):
        values = [automl.Study(SPACE, "minimize loss", seed=9).optimize(bowl, 20).trials["loss"] for _ in range(2)]
        self.assertEqual(*values)

    def test_threads(self):
        study = automl.Study(SPACE, "minimize loss", concurrency=4).optimize(bowl, 40, n_jobs=4)
        self.assertEqual(study.trials["state"], ["done"] * 40)

    def test_pruning(self):
        def curve(trial):
            for step in range(1, 10):
                if trial.report(step, bowl(trial) + 1 / step):
                    raise automl.Pruned
            return bowl(trial)

        study = automl.Study(SPACE, "minimize loss", scheduler="median_stopping").optimize(curve, 40)
        self.assertIn("pruned", study.trials["state"])

    def test_failures(self):
        def fails(trial):
            raise ZeroDivisionError if trial.number % 2 else RuntimeError("seen")

        study = automl.Study(SPACE)
        with self.assertRaises(RuntimeError):
            study.optimize(fails, 10, catch=ZeroDivisionError)
        study.optimize(fails, 10, catch=(ZeroDivisionError, RuntimeError))
        self.assertEqual(set(study.trials["state"]), {"failed"})
        with self.assertRaises(ValueError):
            study.best_trial
        with self.assertRaises(RuntimeError):
            automl.Study(SPACE).optimize(fails, 10, n_jobs=3, catch=ZeroDivisionError)

    def test_interrupt_in_function(self):
        def interrupted(trial):
            if trial.number == 3:
                raise KeyboardInterrupt
            return 1.0

        study = automl.Study(SPACE)
        with self.assertRaises(KeyboardInterrupt):
            study.optimize(interrupted, 10)
        self.assertEqual(study.trials["state"], ["done"] * 3 + ["failed"])

    def test_goals(self):
        study = automl.Study(SPACE, ["minimize loss", "maximize speed"])
        study.optimize(lambda t: (bowl(t), t["x"]), 30)
        front = [study.value(t.number) for t in study.best_trials]
        self.assertEqual(front, sorted(front))
        with self.assertRaises(ValueError):
            study.tell(study.ask(), 1.0)

    def test_grid_ends(self):
        study = automl.Study({"a": [1, 2], "b": ["x", "y"]}, sampler="grid").optimize(lambda t: t["a"], 100)
        self.assertEqual(len(study), 4)
        with self.assertRaises(automl.StoppedError):
            study.ask()

    def test_enqueue_and_constraints(self):
        study = automl.Study("a = int(1, 9); b = int(1, 9)", constraints="a * b <= 9")
        study.enqueue({"a": 3, "b": 3})
        self.assertEqual(study.ask().params, {"a": 3, "b": 3})
        for _ in range(20):
            trial = study.ask()
            self.assertLessEqual(trial["a"] * trial["b"], 9)

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path, copy = os.path.join(folder, "search.jsonl"), os.path.join(folder, "copy.jsonl")
            automl.Study(SPACE, "minimize loss", path=path).optimize(bowl, 5)
            again = automl.Study(path=path).optimize(bowl, 5)
            again.save(copy)
            self.assertEqual(automl.Study.load(copy).trials.rows, again.trials.rows)
            self.assertEqual(len(again), 10)
            with self.assertRaises(automl.ConfigError):
                automl.Study("z = int(1, 2)", path=path)
            with self.assertRaises(automl.InputError):
                automl.Study(path=os.path.join(folder, "none.jsonl"))

    def test_errors(self):
        with self.assertRaises(automl.ConfigError) as caught:
            automl.Study("x = unifrom(0, 1)")
        self.assertIn("uniform", str(caught.exception))
        with self.assertRaises(TypeError):
            automl.Study()
        with self.assertRaises(TypeError):
            automl.Study(SPACE).optimize(bowl)
        study = automl.Study(SPACE)
        trial = study.ask()
        study.tell(trial, 1)
        with self.assertRaises(automl.UsageError):
            study.tell(trial, 1)
        with self.assertRaises(automl.UsageError):
            study.tell(77, 1)
        with self.assertRaises(ValueError):
            study.tell(study.ask(), state="lost")
        with self.assertRaises(TypeError):
            study.optimize(lambda t: "much", 1)

    def test_asked_from_many_threads(self):
        study, seen = automl.Study(SPACE), []

        def work():
            for _ in range(25):
                trial = study.ask()
                seen.append(trial.number)
                study.tell(trial, bowl(trial))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(seen), list(range(100)))


if __name__ == "__main__":
    unittest.main()

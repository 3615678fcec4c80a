"""Batch scoring in Spark: the model goes to the executors as bytes, once for each; mapInPandas gives it batches of rows.

    spark-submit examples/spark_scoring.py MODEL CSV OUTPUT
"""

import sys

import automl

_models = {}


def model_of(data):
    """The model of these bytes; made once in a process."""
    if data not in _models:
        _models[data] = automl.Model.from_bytes(data)
    return _models[data]


def scorer(model):
    """A function for mapInPandas, and the schema of what it gives."""
    names = [f"proba_{name}" for name in model.class_names]
    kind = "string" if model.classes is not None and model.classes.dtype.kind == "U" else "double"
    schema = f"prediction {kind}" + "".join(f", `{name}` double" for name in names)
    data = model.to_bytes()

    def score(batches):
        import pandas

        for batch in batches:
            model = model_of(data)
            out = pandas.DataFrame({"prediction": model.predict(batch, n_jobs=1)})
            if names:
                out[names] = model.predict_proba(batch, n_jobs=1)
            yield out

    return score, schema


def main(model_path, csv, output):
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("automl").getOrCreate()
    score, schema = scorer(automl.load(model_path))
    rows = spark.read.csv(csv, header=True, inferSchema=True)
    rows.mapInPandas(score, schema).write.mode("overwrite").csv(output, header=True)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:4])

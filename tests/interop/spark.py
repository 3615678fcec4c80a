"""Scores of examples/spark_scoring.py in a Spark of this machine are those of the model."""

import os
import sys
import tempfile

import pyspark
from pyspark.sql import SparkSession

import automl

sys.path.insert(0, os.path.join(os.environ["ROOT"], "examples"))
import spark_scoring  # noqa: E402

os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
path = os.path.join(os.environ["ROOT"], "datasets", "breast_cancer.csv")
model = automl.train(path, "diagnosis", trials=2, learners=["logistic", "gbdt"])
spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
         .config("spark.sql.execution.arrow.maxRecordsPerBatch", "100").config("spark.driver.memory", "1g").getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
spark.sparkContext.addPyFile(spark_scoring.__file__)
score, schema = spark_scoring.scorer(model)
rows = spark.read.csv(path, header=True, inferSchema=True).repartition(1)
scored = rows.mapInPandas(score, schema).toPandas()
wanted = model.predict_proba(rows.toPandas())
names = [f"proba_{name}" for name in model.class_names]
assert len(scored) == 569 and (scored[names].to_numpy() == wanted).all()
with tempfile.TemporaryDirectory() as folder:
    model.save(os.path.join(folder, "m.automl"))
    spark_scoring.main(os.path.join(folder, "m.automl"), path, os.path.join(folder, "out"))
    written = [f for f in os.listdir(os.path.join(folder, "out")) if f.endswith(".csv")]
    lines = sum(sum(1 for _ in open(os.path.join(folder, "out", f))) - 1 for f in written)
assert lines == 569, lines
print(f"Spark {pyspark.__version__}: {len(scored)} rows scored as by the model")

"""An exported model: its operations one after the other."""

import json

from . import learners, steps, vectors
from .numbers import f32, to_float

DO = {**steps.DO, **learners.DO, **vectors.DO}


def do_input(op, row):
    x = row[op["column"]]
    if "levels" in op:
        if not x:
            return [-1]
        levels = op["levels"]
        text = x.decode("utf-8", "surrogateescape")
        return [levels.index(text) if text in levels else -2]
    return [x]


class Model:
    def __init__(self, path):
        self.about = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        assert self.about["format"] == "automl" and self.about["version"] == 1
        self.ops = self.about["operations"]
        width = [v.get("width", 1) for v in self.about["values"]]
        for op in self.ops:
            op["widths"] = [width[i] for i in op["in"]]
            op["widths_out"] = [width[i] for i in op["out"]]
            if op["op"] == "trees":
                op["_value"] = f32(op["value"])
            if op["op"] == "neighbours":
                op["_row"] = f32(op["row"])
            if op["op"] == "cross":
                op["_pairs"] = {pair: level for level, pair in enumerate(zip(op["first"], op["second"]))}
        self.exact = all(op["op"] != "network" for op in self.ops)
        self.inputs = [op["column"] for op in self.ops if op["op"] == "input"]

    def predict(self, row):
        values = [None] * len(self.about["values"])
        for op in self.ops:
            if op["op"] == "input":
                out = do_input(op, row)
                if self.about["values"][op["out"][0]]["type"] == "number":
                    out = [to_float(out[0])]
            else:
                out = DO[op["op"]](op, *(values[i] for i in op["in"]))
            assert len(out) == len(op["out"]), op["op"]
            for place, v in zip(op["out"], out):
                values[place] = v
        return values[self.about["result"]]

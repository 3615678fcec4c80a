{"x": {"type": "normal", "mu": 0, "sigma": 2}, "k": {"type":"choice","values":["a",{"value":"b","space":{"y":{"type":"quniform","min_value":0,"max_value":9,"q":2}}}]},"o":{"type":"ordinal","values":[1,2,4]}, "n": [1,2,3], "c": 4, "when": {"type":"bool","when":{"k":"a"}}}
---
["x <= 3"]
---
{"type": "random", "rule": "sobol", "seed": 7}
---
{"type": "bandit", "slack_factor": 0.2, "evaluation_interval": 1, "delay_evaluation": 5}
---
{"goal": "maximize", "primary_metric": "a"}
"""Spaces in the short form, and Optuna's samplers on them: what peers.py and real.py share."""
import re


def read_space(text):
    """The short form, as far as the benches use it: (name, kind, arguments, condition)."""
    space = []
    for item in text.split(";"):
        name, kind, args, condition = re.match(
            r"\s*(\w+) = (\w+)\((.*?)\)(?: if (.*))?\s*$", item).groups()
        condition = condition and tuple(condition.split(" == "))
        space.append((name, kind, [a.strip() for a in args.split(",")], condition))
    return space


def number(args, log):
    """Bounds, whether on a log scale, and the step (0: none) of a number."""
    step = [float(a[5:]) for a in args if a.startswith("step=")]
    return float(args[0]), float(args[1]), log or "log" in args, step[0] if step else 0


def suggest(trial, name, kind, args):
    if kind == "bool":
        return trial.suggest_categorical(name, [False, True])
    if kind == "choice":
        return trial.suggest_categorical(name, args)
    low, high, log, step = number(args, kind == "loguniform")
    if kind == "int":
        return trial.suggest_int(name, int(low), int(high), log=log)
    return trial.suggest_float(name, low, high, log=log, step=step or None)


def sampler(name, seed):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    s = optuna.samplers
    return {"tpe": lambda: s.TPESampler(seed=seed),
            "tpe_single": lambda: s.TPESampler(seed=seed, multivariate=False),
            "tpe_group": lambda: s.TPESampler(seed=seed, multivariate=True, group=True),
            "cmaes": lambda: s.CmaEsSampler(seed=seed),
            "gp": lambda: s.GPSampler(seed=seed, deterministic_objective=False),
            "random": lambda: s.RandomSampler(seed=seed)}[name]()


def optunas(name, space, evaluate, seed):
    """The values of its evaluations, for ever; `evaluate` takes parameters by name."""
    import optuna
    study = optuna.create_study(sampler=sampler(name, seed))
    while True:
        trial, params = study.ask(), {}
        for p, kind, args, condition in space:
            if not condition or params.get(condition[0]) == condition[1]:
                params[p] = suggest(trial, p, kind, args)
        value = evaluate(params)
        study.tell(trial, value)
        yield value

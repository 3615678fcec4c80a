"""Which lines the tests ran: a table by folder, the parts that read what strangers write, and the least covered files.

    python3 tests/checks/coverage.py BUILD [LEAST]

BUILD is a tree of -DAUTOML_COVERAGE=ON (coverage.sh makes it) whose tests have run; gcov reads what they counted. A line
that is compiled more than once, for the scoring library or in a header, is covered when one of them ran. LEAST (10) files
of each kind are listed with the lines that did not run. Ends with 1 where a goal is missed.
"""
import collections
import fnmatch
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("automl", "learners", "featurize", "search")
GOAL, GOAL_READERS = 90.0, 97.0
WIDTH = 160  # of the lists of lines

# What reads files, requests and stores: hostile input comes this way first.
READERS = (
    "automl/core/arrow*", "automl/core/bytes*", "automl/core/csv*", "automl/core/datetime*", "automl/core/io*",
    "automl/core/json*", "automl/core/text*", "automl/store/*", "automl/score/*",
    "automl/engine/arrow*", "automl/engine/constraints*", "automl/experiment/*", "automl/tune/expression*",
    "automl/engine/featurization*", "automl/engine/journal*", "automl/engine/manifest*", "automl/tune/metric_source*",
    "automl/engine/modelfile*", "automl/engine/ranges*", "automl/engine/ranks_message*", "automl/engine/reading*",
    "automl/engine/schema*", "automl/tune/space*", "automl/tune/sweep_keys*", "automl/tune/tuner_file*",
    "learners/parts/nn_file*", "learners/parts/tree_file*",
)


def counted(build):
    """{file: {line: how often it ran}} of all objects of the build."""
    lines = collections.defaultdict(dict)
    notes = sorted(build.rglob("*.gcno"))
    if not notes:
        sys.exit(f"coverage.py: {build} has no *.gcno: is it a build of -DAUTOML_COVERAGE=ON?")
    for begin in range(0, len(notes), 50):
        command = ["gcov", "--json-format", "--stdout", *map(str, notes[begin:begin + 50])]
        # No check of gcov's status: tests that kill programs may leave counts of a file cut off, and it says so.
        text = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        for document in text.splitlines():
            if document.strip():
                add(lines, json.loads(document))
    if not lines:
        sys.exit("coverage.py: gcov says nothing of our files")
    return lines


def add(lines, document):
    for file in document["files"]:
        path = pathlib.Path(document["current_working_directory"], file["file"]).resolve()
        if not path.is_relative_to(ROOT) or path.relative_to(ROOT).parts[0] not in FOLDERS:
            continue
        of = lines[str(path.relative_to(ROOT))]
        for line in file["lines"]:
            number = line["line_number"]
            of[number] = max(of.get(number, 0), line["count"])


def share(files):
    n = sum(len(of) for of in files)
    ran = sum(sum(count > 0 for count in of.values()) for of in files)
    return n, n - ran, 100 * ran / n if n else 100.0


def spans(numbers):
    """[3, 4, 5, 9] as "3-5 9"."""
    out = []
    for number in sorted(numbers):
        if out and out[-1][1] == number - 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return " ".join(f"{a}-{b}" if a < b else str(a) for a, b in out)


def row(name, files, goal=None):
    n, missed, percent = share(files)
    print(f"{name:<28} {n:>7} {missed:>7} {percent:>7.1f} %" + (f"   goal {goal:g} %" if goal else ""))
    return goal is None or percent >= goal


def least(title, files, most):
    print(f"\n{title}, most lines that did not run first")
    order = sorted(files.items(), key=lambda item: -share([item[1]])[1])
    for path, of in order[:most]:
        n, missed, percent = share([of])
        if missed:
            where = spans(k for k, count in of.items() if not count)
            print(f"{path:<44} {percent:>5.1f} %  {where if len(where) < WIDTH else where[:WIDTH] + ' …'}")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    lines = counted(pathlib.Path(sys.argv[1]).resolve())
    most = int(sys.argv[2]) if len(sys.argv) == 3 else 10
    folders = collections.defaultdict(list)
    for path, of in lines.items():
        folders[str(pathlib.Path(path).parent)].append(of)
    readers = {path: of for path, of in lines.items() if any(fnmatch.fnmatch(path, p) for p in READERS)}
    print(f"{'folder':<28} {'lines':>7} {'not run':>7} {'covered':>9}")
    for folder in sorted(folders):
        row(folder, folders[folder])
    good = row("all", lines.values(), GOAL)
    good &= row("loaders, store and parsers", readers.values(), GOAL_READERS)
    least("loaders, store and parsers", readers, most)
    least("the others", {path: of for path, of in lines.items() if path not in readers}, most)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()

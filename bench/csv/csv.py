"""Seconds and memory from CSV to a typed table in memory, beside other readers.

    python make_tables.py FOLDER && python csv.py build/bench_csv FOLDER [--threads 1,2] [--only automl,polars]
                                                  [--tables numeric,mixed] [--repeat 3]

A name with a point is a file: mixed.csv.gz and mixed.csv.zst are made by `gzip -6` and `zstd -3`. Each reader runs in its own process: one read to warm up, then the best of `repeat`. Peak memory is of the process
without what the reader needs to be loaded. Peers: pandas (C engine), pyarrow, polars, DuckDB, R's data.table.
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

TIMED = """
import os, resource, sys, time
path, threads, repeat = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
{setup}
base = int(open('/proc/self/statm').read().split()[1]) * 4096
best = (1e30, 0)
for _ in range(repeat):
    w, c = time.perf_counter(), time.process_time()
    t = read()
    best = min(best, (time.perf_counter() - w, time.process_time() - c))
    rows = size(t)
    del t
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - base
print('{{"rows": %d, "wall": %.4f, "cpu": %.4f, "peak": %d}}' % (rows, *best, peak))
"""

SETUP = {
    "pandas": "import pandas\nread = lambda: pandas.read_csv(path, engine='c', low_memory=False)\nsize = len",
    "pyarrow": "import pyarrow as pa, pyarrow.csv as pc\npa.set_cpu_count(threads)\n"
               "o = pc.ReadOptions(use_threads=threads > 1, block_size=1 << (24 if 'broad' in path else 22))\n"
               "read = lambda: pc.read_csv(pa.input_stream(path, compression='detect') if path[-3:] != 'csv'"
               " else path, read_options=o)\nsize = lambda t: t.num_rows",
    "polars": "os.environ['POLARS_MAX_THREADS'] = str(threads)\nimport polars\n"
              "read = lambda: polars.read_csv(path, infer_schema_length=1000, low_memory=False)\n"
              "size = lambda t: t.height",
    "duckdb": "import duckdb\ncon = duckdb.connect()\ncon.execute(f'set threads={threads}')\n"
              "con.execute('set preserve_insertion_order=true')\n"
              "def read():\n    con.execute('drop table if exists t')\n"
              "    con.execute(f\"create temp table t as select * from read_csv('{path}')\")\n"
              "size = lambda t: con.execute('select count(*) from t').fetchone()[0]",
}

FREAD = """
a <- commandArgs(TRUE); library(data.table); setDTthreads(as.integer(a[2])); best <- c(1e30, 0)
for (k in 1:as.integer(a[3])) { t <- system.time(d <- fread(a[1], showProgress=FALSE)); n <- nrow(d)
  w <- t[["elapsed"]]; if (w < best[1]) best <- c(w, t[["user.self"]] + t[["sys.self"]]); rm(d); invisible(gc()) }
m <- grep("VmHWM", readLines("/proc/self/status"), value=TRUE)
cat(sprintf('{"rows": %d, "wall": %.4f, "cpu": %.4f, "peak": %.0f}\\n', n, best[1], best[2],
    as.numeric(gsub("[^0-9]", "", m)) * 1024))
"""

READERS = ["automl", "pandas", "pyarrow", "polars", "duckdb", "fread"]


def command(name, program, path, threads, repeat):
    tail = [str(path), str(threads), str(repeat)]
    if name == "automl":
        return [program, str(path), "--threads", str(threads), "--repeat", str(repeat)]
    if name == "fread":
        return ["Rscript", "-e", FREAD, *tail]
    return [sys.executable, "-c", TIMED.format(setup=SETUP[name]), *tail]


def measure(name, program, path, threads, repeat, limit):
    env = dict(os.environ, OMP_WAIT_POLICY="passive", OMP_NUM_THREADS=str(threads))
    try:
        done = subprocess.run(command(name, program, path, threads, repeat), env=env, text=True,
                              capture_output=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return f"over {limit} s"
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        return f"failed: {lines[-1][:100] if lines else done.returncode}"
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    a = argparse.ArgumentParser()
    a.add_argument("program")
    a.add_argument("folder", type=Path)
    a.add_argument("--threads", default="1,2")
    a.add_argument("--tables", default="numeric,mixed,wide,broad")
    a.add_argument("--only", default=",".join(READERS))
    a.add_argument("--repeat", type=int, default=2)
    a.add_argument("--limit", type=int, default=170, help="seconds a reader may take")
    o = a.parse_args()
    band = float(subprocess.run([o.program, "--bandwidth"], capture_output=True, text=True).stdout)
    print(f"memory bandwidth (memcpy, read and written): {band / 1e9:.1f} GB/s")
    for table in o.tables.split(","):
        path = o.folder / (table if "." in table else f"{table}.csv")
        for threads in map(int, o.threads.split(",")):
            ours = None
            print(f"\n{table}, {path.stat().st_size / 1e6:.0f} MB, {threads} thread{'s'[: threads > 1]}")
            print(f"  {'reader':8} {'wall s':>8} {'cpu s':>8} {'MB/s':>7} {'÷ automl':>8} {'peak MB':>8}")
            for name in o.only.split(","):
                if name == "pandas" and threads > 1 or name == "fread" and path.suffix != ".csv":
                    continue  # it has one thread; it needs another package for compressed files
                r = measure(name, o.program, path, threads, o.repeat, o.limit)
                if isinstance(r, str):
                    print(f"  {name:8} {r}", flush=True)
                    continue
                ours = ours or r["wall"]
                mb = path.stat().st_size / 1e6
                more = ""
                if name == "automl":
                    moved = path.stat().st_size + r["frame"]
                    more = (f"   frame {r['frame'] / 1e6:.0f} MB, peak {r['peak'] / r['frame']:.2f} of it; "
                            f"{moved / r['wall'] / band * 100:.0f} % of the bandwidth")
                print(f"  {name:8} {r['wall']:8.3f} {r['cpu']:8.3f} {mb / r['wall']:7.0f} "
                      f"{r['wall'] / ours:8.2f} {r['peak'] / 1e6:8.0f}{more}", flush=True)


if __name__ == "__main__":
    main()

"""Progress of a training: a line in a terminal, a display that is updated in a notebook, lines elsewhere."""

import shutil
import sys
import time
from html import escape

from ._library import decode
from ._table import show

EVERY = 0.2  # seconds


class Update:
    """How far a training is: stage, trials, failed, seconds, limit, best, best_learner, metric."""

    def __init__(self, p):
        self.stage, self.metric, self.best_learner = decode(p.stage), decode(p.metric), decode(p.best_learner)
        self.trials, self.failed, self.trials_limit = p.trials, p.failed, p.trials_limit
        self.seconds, self.limit, self.best = p.seconds, p.limit, p.best

    def __str__(self):
        trials = f"{self.trials} of {self.trials_limit}" if self.trials_limit else str(self.trials)
        text = f"{self.stage}: {trials} trials, {self.seconds:.1f} s"
        if self.limit:
            text += f" of {self.limit:g}"
        if self.best == self.best:
            text += f", best {self.metric} {show(self.best)} ({self.best_learner})"
        if self.failed:
            text += f", {self.failed} failed"
        return text


def _in_notebook():
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython and hasattr(ipython, "get_ipython") else None
    return shell is not None and hasattr(shell, "kernel")


class Display:
    """Shows updates: told by any thread, shown by the one that calls show(). close() ends it."""

    def __init__(self, out=None):
        self._out = out or sys.stderr
        self._next = 0.0
        self._handle = None
        self._stage = ""
        self._latest = None
        self._notebook = _in_notebook()
        self._live = not self._notebook and self._out.isatty()

    def tell(self, update):
        self._latest = update

    def show(self):
        """The latest update, when it is time for it; the first one of a stage at once."""
        update, now = self._latest, time.monotonic()
        if update is None or (now < self._next and update.stage == self._stage):
            return
        self._latest = None
        self._next = now + (EVERY if self._live or self._notebook else 25 * EVERY)
        self._stage = update.stage
        if self._notebook:
            self._show_html(update)
        elif self._live:
            width = shutil.get_terminal_size().columns - 1
            self._out.write(f"\r\033[K{str(update)[:width]}")
            self._out.flush()
        else:
            self._out.write(f"{update}\n")

    def _show_html(self, update):
        from IPython.display import HTML, display

        share = update.trials / update.trials_limit if update.trials_limit else (
            update.seconds / update.limit if update.limit else 0)
        html = HTML(f'<progress value="{min(share, 1):.3f}" max="1"></progress> {escape(str(update))}')
        if self._handle is None:
            self._handle = display(html, display_id=True)
        else:
            self._handle.update(html)

    def close(self):
        self._next = 0.0
        self.show()
        if self._live and self._stage:
            self._out.write("\r\033[K")
            self._out.flush()

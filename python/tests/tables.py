"""What the tests share."""

import importlib
import os

ROOT = os.environ.get("ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def optional(name):
    """A module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def tables_of(columns):
    """The columns themselves, and as a table of each library that is installed."""
    makers = ("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "table")
    modules = [(optional(name), make) for name, make in makers]
    return [columns] + [getattr(module, make)(columns) for module, make in modules if module]

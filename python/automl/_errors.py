"""Failures of the library as exceptions. Each is also the kind of built-in exception that one would expect."""


class AutoMLError(Exception):
    """What the library says: ``status`` its code, ``message`` what happened, ``why`` and ``help``, the place in a file."""

    status = 0

    def __init__(self, message, why="", help="", file="", line=0, column=0):
        super().__init__(message, why, help, file, line, column)
        self.message, self.why, self.help = message, why, help
        self.file, self.line, self.column = file, line, column

    def __str__(self):
        place = ":".join(str(x) for x in (self.file, self.line, self.column) if x)
        lines = [self.message]
        if place and place != "memory":
            lines.append(f"  --> {place}")
        if self.why:
            lines.append(f"   = why: {self.why}")
        if self.help:
            lines.append(f"   = help: {self.help}")
        return "\n".join(lines)


class UsageError(AutoMLError, ValueError):
    """An argument is wrong."""

    status = 64


class DataError(AutoMLError, ValueError):
    """The data or the model file are bad."""

    status = 65


class InputError(AutoMLError, FileNotFoundError):
    """An input is missing or cannot be read."""

    status = 66

    def __init__(self, *args):
        AutoMLError.__init__(self, *args)


class InternalError(AutoMLError, RuntimeError):
    """An error of the library itself."""

    status = 70


class MemoryLimitError(AutoMLError, MemoryError):
    """Memory, or a limit of it, is short."""

    status = 71


class OutputError(AutoMLError, OSError):
    """An output cannot be created (73), or reading or writing failed half-way (74)."""

    status = 73

    def __init__(self, *args):
        AutoMLError.__init__(self, *args)


class TryAgain(AutoMLError):
    """Locked or busy; of a study: an earlier trial is to end first."""

    status = 75


class ConfigError(AutoMLError, ValueError):
    """A space, a goal or another configuration is wrong."""

    status = 78


class StoppedError(AutoMLError):
    """Stopped before there was a result; of a study: there is nothing left to try."""

    status = 79


BY_STATUS = {c.status: c for c in (UsageError, DataError, InputError, InternalError, MemoryLimitError, OutputError, TryAgain,
                                   ConfigError, StoppedError)}
BY_STATUS[74] = OutputError

"""Parts of dates, from seconds since 1970."""

import math

from .numbers import NAN, F


def date_parts(time):
    if math.isnan(time):
        return dict.fromkeys(("days", "year", "month", "day", "weekday", "yearday", "hour", "minute"), NAN)
    time = min(max(time, -1e13), 1e13)
    days, clock = divmod(math.floor(time), 86400)
    z = days + 719468
    era, doe = divmod(z, 146097)
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    m = (5 * doy + 2) // 153
    year = yoe + era * 400 + (m >= 10)
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    return {
        "days": time / 86400,
        "year": float(year),
        "month": float(m + 3 if m < 10 else m - 9),
        "day": float(doy - (153 * m + 2) // 5 + 1),
        "weekday": float((days + 3) % 7),
        "yearday": float(doy - 305 if m >= 10 else doy + 60 + leap),
        "hour": float(clock // 3600),
        "minute": float(clock // 60),
    }


PERIODS = {"month": (1, 12), "day": (1, 31), "weekday": (0, 7), "yearday": (1, 365.25), "minute": (0, 1440)}


def date_part(parts, name):
    what, _, wave = name.partition("_")
    if not wave:
        return F(parts[what])
    first, period = PERIODS[what]
    angle = 2 * math.pi * (parts[what] - first) / period
    return F(NAN) if math.isnan(angle) else F(math.sin(angle) if wave == "sin" else math.cos(angle))

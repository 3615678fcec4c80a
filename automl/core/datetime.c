/* datetime.c: dates and times as text, to seconds since 1970-01-01 and back. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/csv_internal.h"

/* What is left of the text; `ok` stays false once something did not fit. */
typedef struct cursor {
    const char *s, *end;
} cursor;

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }
static bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
static char peek(const cursor *c) { return c->s < c->end ? *c->s : 0; }

static bool take(cursor *c, char what) {
    if (peek(c) != what) return false;
    c->s++;
    return true;
}

static void skip_blanks(cursor *c) {
    while (take(c, ' ')) {}
}

/* Reads least … most digits; returns how many, 0 when there are fewer or more. */
static int take_digits(cursor *c, int *value, int least, int most) {
    int n = 0, v = 0;
    while (n < most && is_digit(peek(c))) {
        v = v * 10 + (*c->s++ - '0');
        n++;
    }
    *value = v;
    return n < least || is_digit(peek(c)) ? 0 : n;
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar; years begin in March here, so that the leap day
 * is the last. */
static int64_t days_of(int year, int month, int day) {
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool valid_date(int year, int month, int day) {
    static const int length[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || month < 1 || month > 12 || day < 1) return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= length[month - 1] + (month == 2 && leap);
}

/* A month's name or its first three letters; 0 when it is none. */
static int take_month(cursor *c) {
    static const char *const names[12] = {"january",   "february", "march",    "april",
                                          "may",       "june",     "july",     "august",
                                          "september", "october",  "november", "december"};
    size_t n = 0;
    while (c->s + n < c->end && is_letter(c->s[n])) n++;
    for (int m = 0; m < 12 && n >= 3; m++) {
        size_t k = 0, full = strlen(names[m]);
        while (k < n && k < full && lower(c->s[k]) == names[m][k]) k++;
        bool sept = m == 8 && n == 4 && k == 4;
        if (k < n || (n != 3 && n != full && !sept)) continue;
        c->s += n;
        take(c, '.');
        return m + 1;
    }
    return 0;
}

static void skip_weekday(cursor *c) {
    static const char *const names[7] = {"monday", "tuesday",  "wednesday", "thursday",
                                         "friday", "saturday", "sunday"};
    size_t n = 0;
    while (c->s + n < c->end && is_letter(c->s[n])) n++;
    for (int d = 0; d < 7 && n >= 3; d++) {
        size_t k = 0;
        while (k < n && names[d][k] && lower(c->s[k]) == names[d][k]) k++;
        if (k < n || (n != 3 && names[d][n])) continue;
        c->s += n;
        take(c, ',');
        skip_blanks(c);
        return;
    }
}

/* Two-digit years are 1969 … 2068, as POSIX has it. */
static bool take_year(cursor *c, int *year) {
    int n = take_digits(c, year, 2, 4);
    if (n == 2) *year += *year < 69 ? 2000 : 1900;
    return n == 2 || n == 4;
}

typedef struct date {
    int year, month, day;
} date;

/* 1998 Q1, 1998-Q1, 1998Q1; 1998 Jan. */
static bool take_quarter_or_month(cursor *c, date *d) {
    int quarter;
    cursor again = *c;
    if (peek(c) == ' ' || peek(c) == '-') c->s++;
    if ((take(c, 'Q') || take(c, 'q')) && take_digits(c, &quarter, 1, 1) && quarter >= 1 &&
        quarter <= 4)
        d->month = quarter * 3 - 2;
    else if (is_letter(peek(c))) d->month = take_month(c);
    if (d->month && c->s == c->end) return true;
    *c = again;
    return false;
}

static csv_date_form year_first(cursor *c, date *d) {
    char between = peek(c);
    d->month = 0;
    d->day = 1;
    if (take_quarter_or_month(c, d)) return CSV_YM;
    if (between != '-' && between != '/' && between != '.') return CSV_NO_DATE;
    c->s++;
    d->month = is_letter(peek(c)) ? take_month(c) : take_digits(c, &d->month, 1, 2) ? d->month : 0;
    if (!d->month) return CSV_NO_DATE;
    if (peek(c) != between) return between == '.' || c->s != c->end ? CSV_NO_DATE : CSV_YM;
    c->s++;
    return take_digits(c, &d->day, 1, 2) ? CSV_YMD : CSV_NO_DATE;
}

static csv_date_form day_or_month_first(cursor *c, date *d, int first, bool day_first) {
    char between = peek(c);
    int second;
    if (between == '-' || between == ' ' || between == '.' || between == '/') c->s++;
    if (is_letter(peek(c))) { /* 12 March 2020, 12-Mar-20, 12MAR2020 */
        d->day = first;
        d->month = take_month(c);
        if (peek(c) == ',' || peek(c) == between || peek(c) == ' ') c->s++;
        skip_blanks(c);
        return d->month && take_year(c, &d->year) ? CSV_NAMED : CSV_NO_DATE;
    }
    if (between == ' ' || !take_digits(c, &second, 1, 2) || !take(c, between) ||
        !take_year(c, &d->year))
        return CSV_NO_DATE;
    d->day = day_first ? first : second;
    d->month = day_first ? second : first;
    return CSV_SLASHED;
}

/* March 12, 2020; Mar 12 2020; March 2020, Mar-2020. */
static csv_date_form name_first(cursor *c, date *d) {
    cursor again;
    d->month = take_month(c);
    if (!d->month) return CSV_NO_DATE;
    while (peek(c) == ' ' || peek(c) == '-' || peek(c) == ',') c->s++;
    again = *c;
    if (take_digits(c, &d->day, 1, 2)) {
        take(c, ',');
        skip_blanks(c);
        cursor year = *c;
        if (take_digits(&year, &d->year, 4, 4)) {
            *c = year;
            return CSV_NAMED;
        }
    }
    *c = again;
    d->day = 1;
    return take_digits(c, &d->year, 4, 4) && c->s == c->end ? CSV_YM : CSV_NO_DATE;
}

static csv_date_form take_date(cursor *c, date *d, bool day_first, bool compact) {
    int first;
    cursor whole = *c;
    if (take_digits(c, &first, 8, 8) && (compact || peek(c) == 'T')) {
        *d = (date){first / 10000, first / 100 % 100, first % 100};
        return CSV_COMPACT;
    }
    *c = whole;
    skip_weekday(c);
    if (is_letter(peek(c))) return name_first(c, d);
    int n = take_digits(c, &first, 1, 4);
    d->year = first;
    if (n == 4) return year_first(c, d);
    return n == 1 || n == 2 ? day_or_month_first(c, d, first, day_first) : CSV_NO_DATE;
}

static bool take_fraction(cursor *c, double *seconds) {
    double unit = 0.1;
    if (!is_digit(peek(c))) return false;
    for (; is_digit(peek(c)); unit /= 10) *seconds += (*c->s++ - '0') * unit;
    return true;
}

static bool take_half(cursor *c, int *hour) {
    skip_blanks(c);
    char half = lower(peek(c));
    if (half != 'a' && half != 'p') return true;
    c->s++;
    if (lower(peek(c)) != 'm' || *hour < 1 || *hour > 12) return false;
    c->s++;
    *hour = *hour % 12 + (half == 'p' ? 12 : 0);
    return true;
}

static bool take_offset(cursor *c, double *seconds) {
    int hours, minutes = 0;
    skip_blanks(c);
    if (c->end - c->s == 3 && (!memcmp(c->s, "UTC", 3) || !memcmp(c->s, "GMT", 3))) c->s += 3;
    if (take(c, 'Z') || take(c, 'z') || c->s == c->end) return true;
    char sign = *c->s++;
    if (sign != '+' && sign != '-') return false;
    int n = take_digits(c, &hours, 2, 4);
    if (n == 4) {
        minutes = hours % 100;
        hours /= 100;
    } else if (n != 2 || (take(c, ':') && !take_digits(c, &minutes, 2, 2))) {
        return false;
    }
    if (hours > 15 || minutes > 59) return false;
    *seconds -= (sign == '-' ? -60.0 : 60.0) * (hours * 60 + minutes);
    return true;
}

/* h:mm[:ss[.fraction]] or hhmmss. */
static bool take_clock(cursor *c, int *hour, int *minute, int *second, double *fraction) {
    int whole;
    cursor again = *c;
    if (take_digits(c, &whole, 6, 6)) {
        *hour = whole / 10000;
        *minute = whole / 100 % 100;
        *second = whole % 100;
        return true;
    }
    *c = again;
    if (!take_digits(c, hour, 1, 2) || !take(c, ':') || !take_digits(c, minute, 2, 2)) return false;
    if (!take(c, ':')) return true;
    if (!take_digits(c, second, 2, 2)) return false;
    return (!take(c, '.') && !take(c, ',')) || take_fraction(c, fraction);
}

/* [T or blanks] clock [AM|PM] [offset], up to the end of the text. */
static bool take_time(cursor *c, double *seconds) {
    int hour = 0, minute = 0, second = 0;
    double fraction = 0, offset = 0;
    if (!take(c, 'T') && !take(c, 't') && peek(c) != ' ') return false;
    skip_blanks(c);
    if (!take_clock(c, &hour, &minute, &second, &fraction)) return false;
    if (!take_half(c, &hour) || !take_offset(c, &offset)) return false;
    if (hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute || second))) return false;
    *seconds = hour * 3600.0 + minute * 60.0 + second + fraction + offset;
    return true;
}

csv_date_form csv_datetime(double *seconds, const char *s, size_t n, bool day_first, bool compact) {
    cursor c = {s, s + n};
    date d;
    double time = 0;
    if (n < 6 || n > 64) return CSV_NO_DATE;
    csv_date_form form = take_date(&c, &d, day_first, compact);
    if (!form || !valid_date(d.year, d.month, d.day)) return CSV_NO_DATE;
    if (c.s < c.end && !take_time(&c, &time)) return CSV_NO_DATE;
    if (c.s < c.end) return CSV_NO_DATE;
    *seconds = (double)days_of(d.year, d.month, d.day) * 86400.0 + time;
    return form;
}

bool csv_clock(double *seconds, const char *s, size_t n) {
    cursor c = {s, s + n};
    int hour = 0, minute = 0, second = 0;
    double fraction = 0;
    if (n < 4 || n > 24 || !memchr(s, ':', n < 3 ? n : 3)) return false;
    if (!take_clock(&c, &hour, &minute, &second, &fraction) || !take_half(&c, &hour)) return false;
    if (c.s < c.end || hour > 23 || minute > 59 || second > 59) return false;
    *seconds = hour * 3600.0 + minute * 60.0 + second + fraction;
    return true;
}

bool aml_parse_datetime(double *seconds, const char *s, size_t n, bool day_first, bool compact) {
    return csv_datetime(seconds, s, n, day_first, compact) != CSV_NO_DATE;
}

static void date_of(date *d, int64_t days) {
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), month = (5 * of_year + 2) / 153;
    d->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    d->month = (int)(month < 10 ? month + 3 : month - 9);
    d->year = (int)(y + era * 400 + (d->month <= 2));
}

size_t aml_format_datetime(char *out, double seconds) {
    date d;
    out[0] = 0;
    if (!(fabs(seconds) < 1e12)) return 0;
    double whole = floor(seconds), part = round((seconds - whole) * 1e6);
    if (part >= 1e6) {
        whole += 1;
        part = 0;
    }
    int64_t t = (int64_t)whole, days = t / 86400 - (t % 86400 < 0);
    int time = (int)(t - days * 86400), micro = (int)part;
    date_of(&d, days);
    size_t n = (size_t)snprintf(out, 40, "%04d-%02d-%02d", d.year, d.month, d.day);
    if (time == 0 && micro == 0) return n;
    n += (size_t)snprintf(out + n, 40 - n, "T%02d:%02d:%02d", time / 3600, time / 60 % 60,
                          time % 60);
    if (micro == 0) return n;
    n += (size_t)snprintf(out + n, 40 - n, ".%06d", micro);
    while (out[n - 1] == '0') out[--n] = 0;
    return n;
}

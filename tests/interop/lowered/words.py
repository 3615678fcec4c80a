"""Items, characters and words of texts, and the hashes of their terms."""

from .numbers import WRAP


def items_of(text, separator):
    for item in text.split(bytes([separator])):
        item = item.strip(b" []{}()'\"")
        if item:
            yield item


SPACE, PUNCTUATION, DIGIT, UPPER, LETTER, IDEOGRAPH = range(6)


def code_points(text):
    i = 0
    while i < len(text):
        first = text[i]
        more = 0 if first < 0xC2 else 1 if first < 0xE0 else 2 if first < 0xF0 else 3 if first < 0xF5 else 0
        c = first if first < 0x80 else 0xDC00 + first
        if first >= 0x80 and more and len(text) - i > more:
            tail = text[i + 1 : i + 1 + more]
            if all(b & 0xC0 == 0x80 for b in tail):
                c = first & (0x3F >> more)
                for b in tail:
                    c = c << 6 | (b & 0x3F)
                i += more
        i += 1
        yield c


def within(c, *ranges):
    return any(low <= c <= high for low, high in ranges)


def class_of(c):
    if c < 0x80:
        if c <= 32 or c == 0x7F:
            return SPACE
        if within(c, (48, 57)):
            return DIGIT
        if within(c, (65, 90)):
            return UPPER
        return LETTER if within(c, (97, 122)) or c == 95 else PUNCTUATION
    if within(c, (0xA0, 0xA0), (0x2000, 0x200B), (0x2028, 0x202F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)):
        return SPACE
    if (within(c, (0xA1, 0xBF)) and c not in (0xAA, 0xB5, 0xBA)) or within(
        c, (0xD7, 0xD7), (0xF7, 0xF7), (0x2010, 0x206F), (0x3001, 0x303F), (0xFF01, 0xFF0F), (0xFF1A, 0xFF20)
    ):
        return PUNCTUATION
    if within(c, (0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F)):
        return IDEOGRAPH
    return UPPER if within(c, (0xC0, 0xDE), (0x391, 0x3A9), (0x400, 0x42F)) else LETTER


def stir(h, x):
    h = (h ^ x) * 0x9FB21C651E98DF25 & WRAP
    return h ^ h >> 32


class Scan:
    """The words of a text: their number, the classes of its characters, and the hashes of the terms of a set."""

    def __init__(self, text, what):
        self.what, self.hashes, self.count, self.words = what, [], [0] * 6, 0
        self.word = self.before = 0
        self.recent = [32]
        points = list(code_points(text))
        for i, c in enumerate(points):
            k = class_of(c)
            self.count[k] += 1
            after = class_of(points[i + 1]) if i + 1 < len(points) else SPACE
            joins = c in (0x27, 0x2019) and self.word and after >= UPPER and after != IDEOGRAPH
            if k == IDEOGRAPH or (k <= PUNCTUATION and not joins):
                self.end()
            if k == UPPER:
                c += 0x50 if within(c, (0x400, 0x40F)) else 0x20
            if k >= DIGIT:
                self.word = stir(self.word or 1, c)
            if k == IDEOGRAPH:
                self.end()
            if k == SPACE:
                self.blank()
            else:
                self.gram(c)
        self.end()
        self.blank()
        self.chars = len(points)

    def take(self, h):
        self.hashes.append((h * 0x9E3779B97F4A7C15 & WRAP) >> 32)

    def gram(self, c):
        if not self.what & 2:
            return
        self.recent = (self.recent + [c])[-5:]
        h = 2
        for k, x in enumerate(reversed(self.recent), 1):
            h = stir(h, x)
            if k >= 3:
                self.take(stir(h, k))

    def blank(self):
        if len(self.recent) > 1:
            self.gram(32)
        self.recent = [32]

    def end(self):
        if not self.word:
            return
        self.words += 1
        if self.what & 1:
            self.take(self.word)
            if self.before:
                self.take(stir(stir(3, self.before), self.word))
        self.before, self.word = self.word, 0

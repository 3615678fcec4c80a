"""A small table of results: text in a terminal, HTML in a notebook, a DataFrame when asked for."""

from html import escape


def show(value):
    """A cell as text: numbers with five significant digits."""
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return format(value, ".5g")
    return str(value)


class Table:
    """Rows of named columns. table["name"] is a column, table[0] a row as a dict."""

    def __init__(self, columns, rows, caption=""):
        self.columns, self.rows, self.caption = list(columns), [tuple(row) for row in rows], caption

    def __len__(self):
        return len(self.rows)

    def __iter__(self):
        return (dict(zip(self.columns, row)) for row in self.rows)

    def __getitem__(self, key):
        if isinstance(key, str):
            if key not in self.columns:
                raise KeyError(f"there is no column {key!r}: {', '.join(self.columns)}")
            j = self.columns.index(key)
            return [row[j] for row in self.rows]
        if isinstance(key, slice):
            return Table(self.columns, self.rows[key], self.caption)
        return dict(zip(self.columns, self.rows[key]))

    def to_pandas(self):
        import pandas

        return pandas.DataFrame(self.rows, columns=self.columns)

    def _right(self, j):
        return all(isinstance(row[j], (int, float)) or row[j] is None for row in self.rows)

    def __repr__(self):
        cells = [self.columns] + [[_cut(show(x)) for x in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells)]
        right = [self._right(j) for j in range(len(self.columns))]
        lines = ["  ".join(x.rjust(w) if r else x.ljust(w) for x, w, r in zip(row, widths, right)).rstrip() for row in cells]
        return "\n".join(([self.caption, ""] if self.caption else []) + lines)

    def _repr_html_(self):
        head = "".join(f"<th>{escape(c)}</th>" for c in self.columns)
        right = [self._right(j) for j in range(len(self.columns))]
        rows = "".join("<tr>" + "".join(f'<td style="text-align:{"right" if r else "left"}">{escape(show(x))}</td>'
                                        for x, r in zip(row, right)) + "</tr>" for row in self.rows)
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cut(text, most=70):
    return text if len(text) <= most else text[:most - 1] + "…"

"""Rows of the table: which figure of a measure, what it is held against, and what it should reach."""

import dataclasses
import statistics

from comparison import intervals


@dataclasses.dataclass
class Row:
    """`against`: the entrant whose figure of the same round ours is held against; None: ours stands alone.
    `way`: "better" tells how many times ours is better (more of `figure`, or less where `less` is set);
    "share" tells ours as a multiple of theirs. A target is met when the interval's end that is nearer to missing it
    meets it."""
    figure: str
    title: str
    against: str = None
    way: str = "better"
    less: bool = False
    at_least: float = None
    at_most: float = None

    def ratio_of(self, ours, theirs):
        if self.way == "share" or not self.less:
            return ours / theirs
        return theirs / ours

    def values(self, by_server):
        """(values, numbers of rounds that give none), one value a round."""
        ours = [entry[self.figure] for entry in by_server.get("ringpost", [])]
        if self.against is None:
            return ours, []
        theirs = [entry[self.figure] for entry in by_server.get(self.against, [])]
        values, without = [], []
        for number, (our, their) in enumerate(zip(ours, theirs), 1):
            if our > 0 and their > 0:
                values.append(self.ratio_of(our, their))
            else:
                without.append((number, our, their))
        return values, without

    def summary(self, by_server):
        medians = {name: statistics.median(entry[self.figure] for entry in entries)
                   for name, entries in by_server.items() if all(self.figure in entry for entry in entries)}
        values, _ = self.values(by_server)
        interval = intervals.median_interval(values) if values else None
        return {"title": self.title, "medians": medians, "against": self.against, "way": self.way,
                "interval": interval, "at_least": self.at_least, "at_most": self.at_most, "met": self.met(interval)}

    def met(self, interval):
        """None: no target, or nothing measured."""
        if interval is None or (self.at_least is None and self.at_most is None):
            return None
        _, low, high, _ = interval
        return (self.at_least is None or low >= self.at_least) and (self.at_most is None or high <= self.at_most)


def _number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def _held_against(row):
    median, low, high, share = row["interval"]
    words = {"better": f"x {row['against']}", "share": f"of {row['against']}'s"}[row["way"]]
    times = f"{median:.2f} ({low:.2f} to {high:.2f}, {share:.0%})"
    return f"{times} {words if row['against'] else ''}".strip()


def _target(row):
    words = [f"at least {_number(row['at_least'])}"] if row["at_least"] is not None else []
    words += [f"at most {_number(row['at_most'])}"] if row["at_most"] is not None else []
    if not words:
        return ""
    return ", ".join(words) + {True: ": met", False: ": **missed**", None: ""}[row["met"]]


def table(summaries):
    lines = ["| measure | Ringpost | Postfix | ceiling | bare commit | held against | target |",
             "|---|---:|---:|---:|---:|---|---|"]
    for row in summaries:
        cells = [_number(row["medians"].get(name)) for name in ("ringpost", "postfix", "ceiling", "bare")]
        cells.append(_held_against(row) if row["interval"] else "")
        cells.append(_target(row))
        lines.append(f"| {row['title']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)

#!/usr/bin/python3
"""Compares a metrics page on stdin with upstream's table, and prints each difference.

usage: metrics_page.py upstream-metrics.tsv <page
"""

import re
import sys

SAMPLE = re.compile(r'^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
PARTS = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


def labels_of(text):
    """The labels of a sample in order; None if the text is not well formed."""
    found, end = [], 0
    for match in LABEL.finditer(text or ""):
        if match.start() != end:
            return None
        found.append((match.group(1), match.group(2)))
        end = match.end()
    return found if end == len(text or "") else None


def read_page(page):
    """Type, help and samples by metric. A sample belongs to the TYPE line above it."""
    metrics, name = {}, None
    for line in page.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            metrics[name] = (kind, [])
            continue
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        labels = match and labels_of(match.group(2))
        if labels is None:
            yield f"not a sample: {line}"
            continue
        sample = match.group(1)
        if name is None or sample not in [name + p for p in PARTS.get(metrics[name][0], ("",))]:
            yield f"{sample}: not under its TYPE line"
            continue
        metrics[name][1].append((sample, labels))
    return metrics


def read_table(path):
    table = {}
    for line in open(path, encoding="utf-8"):
        if line.strip() and not line.startswith("#"):
            name, kind, labels, buckets, since = line.rstrip("\n").split("\t")
            table[name] = (
                kind,
                [] if labels == "-" else labels.split(","),
                [] if buckets == "-" else buckets.split(",") + ["+Inf"],
                since,
            )
    return table


def compare(metrics, table):
    for name, (kind, samples) in metrics.items():
        if name.startswith("vpccni_"):
            continue
        if name not in table:
            yield f"{name}: not upstream's"
            continue
        wanted_kind, wanted_labels, wanted_buckets, _ = table[name]
        if kind != wanted_kind:
            yield f"{name}: {kind}, not {wanted_kind}"
        buckets = {}
        for sample, labels in samples:
            own = [label for label in labels if label[0] != "le"]
            if [key for key, _ in own] != wanted_labels:
                yield f"{sample}: labels {labels}, not {wanted_labels}"
            if sample.endswith("_bucket"):
                buckets.setdefault(str(own), []).append(dict(labels)["le"])
        for bounds in buckets.values():
            if bounds != wanted_buckets:
                yield f"{name}: buckets {bounds}, not {wanted_buckets}"
    for name, (_, _, _, since) in table.items():
        if since == "start" and not metrics.get(name, ("", []))[1]:
            yield f"{name}: missing"


def main():
    reader = read_page(sys.stdin.read())
    wrong = []
    while True:
        try:
            wrong.append(next(reader))
        except StopIteration as end:
            metrics = end.value
            break
    wrong += compare(metrics, read_table(sys.argv[1]))
    print("\n".join(wrong) if wrong else f"{len(metrics)} metrics as they should be")
    sys.exit(1 if wrong else 0)


main()

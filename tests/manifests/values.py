#!/usr/bin/python3
"""The chart's values, with those of FILE over them, against values.schema.json, as Helm does it.

usage: values.py [FILE]
"""
import json
import pathlib
import sys

import jsonschema

import objects

CHART = pathlib.Path(__file__).parents[2] / "docker/charts/vpccni"


def merge(into, over):
    for key, value in over.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


if __name__ == "__main__":
    values = objects.load(CHART / "values.yaml")[0]
    for file in sys.argv[1:]:
        merge(values, objects.load(file)[0])
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    errors = list(jsonschema.Draft7Validator(schema).iter_errors(values))
    for error in errors:
        print(f"{'.'.join(map(str, error.path))}: {error.message}")
    sys.exit(bool(errors))

#!/usr/bin/env python3
"""Holds documents against docs/schema.

usage: json_schema.py NAME <DOCUMENT   one document
       json_schema.py --all DIRECTORY  files NAME.json or NAME.CASE.json: at least one of each schema,
                                       and each list filled in one of them
"""
import json
import pathlib
import sys

from jsonschema import Draft202012Validator

SCHEMAS = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/schema"


def load(name):
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return schema


def errors(name, document):
    for error in Draft202012Validator(load(name)).iter_errors(document):
        place = "/".join(str(part) for part in error.absolute_path)
        yield f"{name}: /{place}: {error.message[:300]}"
    # Ours, and described: a new member has a line in its schema.
    for member in document.keys() - load(name)["properties"].keys():
        yield f"{name}: /{member} is not in the schema"


def weak(name):
    """A schema must refuse what lacks a member, or has one of another kind."""
    schema = load(name)
    if Draft202012Validator(schema).is_valid({}) or "schema" not in schema["required"]:
        yield f"{name}: the schema accepts anything"


def check_all(folder):
    found = []
    for path in sorted(SCHEMAS.glob("*.json")):
        name = path.stem
        found += weak(name)
        documents = [
            json.loads(file.read_text())
            for file in folder.iterdir()
            if file.name == f"{name}.json" or file.name.startswith(f"{name}.")
        ]
        if not documents:
            found.append(f"{name}: no document")
        for document in documents:
            found += errors(name, document)
        lists = {key for each in documents for key, value in each.items() if isinstance(value, list)}
        for key in lists:
            if not any(each.get(key) for each in documents):
                found.append(f"{name}: /{key} is empty everywhere")
    return found


def main():
    if sys.argv[1:2] == ["--all"] and len(sys.argv) == 3:
        found = check_all(pathlib.Path(sys.argv[2]))
    elif len(sys.argv) == 2:
        found = list(errors(sys.argv[1], json.load(sys.stdin)))
    else:
        sys.exit(__doc__)
    print("\n".join(found))
    sys.exit(1 if found else 0)


main()

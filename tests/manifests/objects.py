#!/usr/bin/python3
"""Kubernetes objects in YAML, held against the API's own types and against each other.

usage: objects.py [--json] FILE    (- is standard input)

Prints one line per fault, with its place, and exits 1 if there is one. The types are those of Debian's
python3-kubernetes (API of Kubernetes 1.22), generated from the API server's description of itself:
unknown fields, wrong types, missing fields. Custom objects are held against the CRDs in the same FILE.
--json prints the objects as one JSON array instead, unchecked.
"""
import json
import re
import sys

import yaml

MODELS = {
    ("v1", "ConfigMap"): "V1ConfigMap",
    ("v1", "ServiceAccount"): "V1ServiceAccount",
    ("apps/v1", "DaemonSet"): "V1DaemonSet",
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): "V1ClusterRole",
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): "V1ClusterRoleBinding",
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): "V1CustomResourceDefinition",
}
# Kinds that others define; what we use of them, by the Prometheus operator's documentation.
ELSEWHERE = {
    ("monitoring.coreos.com/v1", "PodMonitor"): {
        "type": "object", "additionalProperties": False,
        "required": ["selector", "podMetricsEndpoints"],
        "properties": {
            "jobLabel": {"type": "string"},
            "namespaceSelector": {"type": "object"},
            "selector": {"type": "object"},
            "podMetricsEndpoints": {"type": "array", "items": {
                "type": "object", "additionalProperties": False,
                "properties": {
                    "port": {"type": "string"}, "path": {"type": "string"},
                    "interval": {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"},
                    "scrapeTimeout": {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"},
                    "relabelings": {"type": "array"}}}}}},
}
PLAIN = {"str": str, "int": int, "bool": bool}
QUANTITY = re.compile(r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi)?$")
NAME = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
CHOICES = {
    "imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "fieldPath": {"spec.nodeName", "metadata.name", "metadata.namespace", "status.podIP",
                  "status.hostIP", "spec.serviceAccountName"},
}
HOST_PATH_TYPES = {"", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"}


class StrictLoader(yaml.SafeLoader):
    """Refuses keys that are there twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load(path):
    text = sys.stdin.read() if path == "-" else open(path, encoding="utf-8").read()
    return [item for item in yaml.load_all(text, Loader=StrictLoader) if item is not None]


def typed(models, kind, value, place, faults):
    """Holds a value against a type's name: str, list[T], dict(str, T), object or a model."""
    if kind in ("object", "datetime"):
        return
    if kind in PLAIN:
        # A bool is an int to Python.
        if not isinstance(value, PLAIN[kind]) or (kind == "int" and isinstance(value, bool)):
            faults.append(f"{place}: {kind} expected, not {json.dumps(value)}")
        return
    parts = re.fullmatch(r"(list|dict)[\[(](?:str, )?(.*)[\])]", kind)
    if parts:
        shape, below = parts.groups()
        if not isinstance(value, list if shape == "list" else dict):
            faults.append(f"{place}: {shape} expected, not {json.dumps(value)}")
            return
        items = enumerate(value) if shape == "list" else value.items()
        for key, item in items:
            typed(models, below, item, f"{place}[{key}]", faults)
        return
    if not isinstance(value, dict):
        faults.append(f"{place}: {kind} expected, not {json.dumps(value)}")
        return
    model = getattr(models, kind)
    attributes = {name: attribute for attribute, name in model.attribute_map.items()}
    for name, item in value.items():
        if name not in attributes:
            faults.append(f"{place}.{name}: {kind} has no such field")
        else:
            typed(models, model.openapi_types[attributes[name]], item, f"{place}.{name}", faults)
    try:
        # The setters know what must be there, and some values' ranges.
        model(**{attributes[name]: item for name, item in value.items() if name in attributes})
    except ValueError as error:
        faults.append(f"{place}: {error}")


def custom_schemas(objects):
    """What the CRDs among the objects say about theirs."""
    schemas = {}
    for crd in (item for item in objects if item["kind"] == "CustomResourceDefinition"):
        spec = crd["spec"]
        if crd["metadata"]["name"] != f"{spec['names']['plural']}.{spec['group']}":
            raise ValueError(f"{crd['metadata']['name']}: a CRD is called PLURAL.GROUP")
        for version in spec["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            schemas[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return schemas


def walk(value, place):
    """Every key of every map: (name, value, place)."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key, item, f"{place}.{key}"
            yield from walk(item, f"{place}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, f"{place}[{index}]")


def twice(values):
    return sorted({value for value in values if values.count(value) > 1})


def pod_faults(daemon_set, objects, place):
    """What the API server, or the kubelet after it, would refuse."""
    pod, template = daemon_set["spec"]["template"]["spec"], daemon_set["spec"]["template"]
    selector = daemon_set["spec"]["selector"]["matchLabels"].items()
    if not selector <= template["metadata"]["labels"].items():
        yield f"{place}.spec.selector: does not match the template's labels"
    accounts = [item["metadata"]["name"] for item in objects if item["kind"] == "ServiceAccount"]
    if accounts and pod["serviceAccountName"] not in accounts:
        yield f"{place}: no ServiceAccount {pod['serviceAccountName']}"
    volumes = [volume["name"] for volume in pod["volumes"]]
    containers = pod["initContainers"] + pod["containers"]
    used = {mount["name"] for container in containers for mount in container["volumeMounts"]}
    for name in twice(volumes) + sorted(used ^ set(volumes)):
        yield f"{place}: volume {name} is there twice, not there, or not mounted"
    for volume in pod["volumes"]:
        if len(volume) != 2:
            yield f"{place}: volume {volume['name']} has not just one source"
        if volume.get("hostPath", {}).get("type", "") not in HOST_PATH_TYPES:
            yield f"{place}: volume {volume['name']}: no such hostPath type"
    for container in containers:
        name = f"{place}: {container['name']}"
        for key, of in (("env", "name"), ("volumeMounts", "mountPath"), ("ports", "name")):
            for value in twice([item[of] for item in container.get(key, [])]):
                yield f"{name}: {key}: {value} is there twice"
        for item in container.get("env", []):
            if ("value" in item) == ("valueFrom" in item):
                yield f"{name}: env: {item['name']} has no value, or two"
        security = container.get("securityContext", {})
        if security.get("privileged") and security.get("allowPrivilegeEscalation") is False:
            yield f"{name}: privileged, and no escalation"
        for kind in ("requests", "limits"):
            for key, value in container.get("resources", {}).get(kind, {}).items():
                if not QUANTITY.match(str(value)):
                    yield f"{name}: resources: {key}: {value} is no quantity"


def faults_of(objects):
    import jsonschema
    import kubernetes.client.models as models
    schemas = custom_schemas(objects)
    names = [(item["kind"], item["metadata"]["name"]) for item in objects]
    faults = [f"{kind}/{name}: is there twice" for kind, name in twice(names)]
    for item in objects:
        place = f"{item['kind']}/{item['metadata']['name']}"
        key = item["apiVersion"], item["kind"]
        if not NAME.match(item["metadata"]["name"]):
            faults.append(f"{place}: cannot be a name")
        if key in MODELS:
            typed(models, MODELS[key], item, place, faults)
        elif key in schemas or key in ELSEWHERE:
            typed(models, "V1ObjectMeta", item["metadata"], f"{place}.metadata", faults)
            value, schema = (item, schemas[key]) if key in schemas else (item["spec"], ELSEWHERE[key])
            for error in jsonschema.Draft7Validator(schema).iter_errors(value):
                faults.append(f"{place}.{'.'.join(map(str, error.path))}: {error.message}")
        else:
            faults.append(f"{place}: nothing is known about {' '.join(key)}")
        for name, value, where in walk(item, place):
            if name in CHOICES and isinstance(value, str) and value not in CHOICES[name]:
                faults.append(f"{where}: {value} is none of {', '.join(sorted(CHOICES[name]))}")
    if faults:
        return faults
    for item in objects:
        place = f"{item['kind']}/{item['metadata']['name']}"
        if item["kind"] == "DaemonSet":
            faults += pod_faults(item, objects, place)
        elif item["kind"] == "ClusterRoleBinding":
            refers = [(item["roleRef"]["kind"], item["roleRef"]["name"])]
            faults += [f"{place}: no {kind}/{name}" for kind, name in refers
                       if (kind, name) not in names]
    return faults


def main(arguments):
    as_json = arguments[:1] == ["--json"]
    if len(arguments) != 1 + as_json:
        sys.exit(__doc__)
    try:
        objects = load(arguments[-1])
    except yaml.YAMLError as error:
        sys.exit(f"{arguments[-1]}: {error}")
    if as_json:
        print(json.dumps(objects))
        return
    faults = faults_of(objects)
    print("\n".join(faults) if faults else f"{len(objects)} objects")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main(sys.argv[1:])

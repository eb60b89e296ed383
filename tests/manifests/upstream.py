#!/usr/bin/python3
"""The manifest against upstream's: names, labels, probes, mounts, settings, permissions.

usage: upstream.py MANIFEST SETTINGS    (SETTINGS: what `vpccni help environment --json` prints)

Prints one line per difference that COMPATIBILITY.md does not tell of, and exits 1 if there is one.
"""
import json
import pathlib
import sys

import objects

ROOT = pathlib.Path(__file__).parents[2]
PROBE = ["/app/grpc-health-probe", "-addr=:50051", "-connect-timeout=5s", "-rpc-timeout=5s"]
POD = {
    "hostNetwork": True,
    "priorityClassName": "system-node-critical",
    "serviceAccountName": "aws-node",
    "terminationGracePeriodSeconds": 10,
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [
            {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
            {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64", "arm64"]},
            {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn",
             "values": ["fargate", "hybrid", "auto"]}]}]}}},
}
VOLUMES = {
    "cni-bin-dir": {"hostPath": {"path": "/opt/cni/bin"}},
    "cni-net-dir": {"hostPath": {"path": "/etc/cni/net.d"}},
    "log-dir": {"hostPath": {"path": "/var/log/aws-routed-eni", "type": "DirectoryOrCreate"}},
    "run-dir": {"hostPath": {"path": "/var/run/aws-node", "type": "DirectoryOrCreate"}},
    "xtables-lock": {"hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
    "tmp": {"emptyDir": {}},  # ours: the root file system is read-only
}
CONTAINERS = {
    "aws-vpc-cni-init": {
        "command": ["/init/aws-vpc-cni-init"],
        "resources": {"requests": {"cpu": "25m"}},
        "securityContext": {"privileged": True},
        "mounts": {"cni-bin-dir": "/host/opt/cni/bin"},
    },
    "aws-node": {
        "ports": [{"name": "metrics", "containerPort": 61678}],
        "livenessProbe": {"exec": {"command": PROBE}, "initialDelaySeconds": 60, "timeoutSeconds": 10},
        "readinessProbe": {"exec": {"command": PROBE}, "initialDelaySeconds": 1, "timeoutSeconds": 10},
        "resources": {"requests": {"cpu": "25m"}},
        "securityContext": {  # upstream: the two capabilities beside the runtime's own
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_RAW"]},
            "seccompProfile": {"type": "RuntimeDefault"}},
        "mounts": {"cni-bin-dir": "/host/opt/cni/bin", "cni-net-dir": "/host/etc/cni/net.d",
                   "log-dir": "/host/var/log/aws-routed-eni", "run-dir": "/var/run/aws-node",
                   "xtables-lock": "/run/xtables.lock", "tmp": "/tmp"},
    },
}
CONFIG = {
    "enable-windows-ipam": "false", "enable-network-policy-controller": "false",
    "enable-windows-prefix-delegation": "false", "warm-prefix-target": "0", "warm-ip-target": "1",
    "minimum-ip-target": "3", "branch-eni-cooldown": "60",
}
# Ours beside upstream's, and upstream's that belongs to the policy agent.
MORE_ENV = {("aws-node", "AWS_USE_FIPS_ENDPOINT"): "false",
            ("aws-vpc-cni-init", "ENABLE_V6_EGRESS"): "false"}
LESS_ENV = {("aws-node", "NETWORK_POLICY_ENFORCING_MODE")}


class Differences(list):
    def same(self, what, found, wanted):
        if found != wanted:
            self.append(f"{what}: {json.dumps(found)}, not {json.dumps(wanted)}")


def upstream_env():
    rows = (ROOT / "tests/data/upstream-manifest-env.tsv").read_text().splitlines()
    cells = [row.split("\t") for row in rows if not row.startswith("#")]
    env = {(container, name): value for container, name, value in cells}
    return {key: value for key, value in env.items() if key not in LESS_ENV} | MORE_ENV


def env_of(container):
    return {(container["name"], item["name"]):
            item["value"] if "value" in item else item["valueFrom"]["fieldRef"]["fieldPath"]
            for item in container["env"]}


def rules_of(role):
    """What a role allows, one by one: order and grouping do not matter."""
    return sorted({(group, resource, verb)
                   for rule in role["rules"] for verb in rule["verbs"]
                   for group in rule.get("apiGroups", ["(path)"])
                   for resource in rule.get("resources", rule.get("nonResourceURLs"))})


def upstream_role():
    items = json.loads((ROOT / "tests/apiserver/rbac.json").read_text())["items"]
    return next(item for item in items if item["kind"] == "ClusterRole")


def main(manifest, settings):
    found = {(item["kind"], item["metadata"]["name"]): item for item in objects.load(manifest)}
    differences = Differences()
    differences.same("objects", sorted(map("/".join, found)), sorted([
        "ServiceAccount/aws-node", "ClusterRole/aws-node", "ClusterRoleBinding/aws-node",
        "ConfigMap/amazon-vpc-cni", "DaemonSet/aws-node",
        "CustomResourceDefinition/eniconfigs.crd.k8s.amazonaws.com",
        "CustomResourceDefinition/policyendpoints.networking.k8s.aws"]))
    if differences:
        return differences
    daemon_set = found["DaemonSet", "aws-node"]
    template = daemon_set["spec"]["template"]
    pod = dict(template["spec"])
    labels = {"app.kubernetes.io/name": "aws-node", "app.kubernetes.io/instance": "aws-vpc-cni",
              "k8s-app": "aws-node"}
    differences.same("pod labels", template["metadata"]["labels"], labels)
    differences.same("selector", daemon_set["spec"]["selector"], {"matchLabels": {"k8s-app": "aws-node"}})
    differences.same("updateStrategy", daemon_set["spec"]["updateStrategy"],
                     {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}})
    for (kind, name), item in found.items():
        if kind != "CustomResourceDefinition":
            own = {key: value for key, value in item["metadata"]["labels"].items()
                   if key != "app.kubernetes.io/version"}
            differences.same(f"{kind}/{name}: labels", own, labels)
            if not kind.startswith("Cluster"):
                differences.same(f"{kind}/{name}", item["metadata"]["namespace"], "kube-system")

    containers = {item["name"]: item for item in pod.pop("initContainers") + pod.pop("containers")}
    volumes = {item["name"]: {key: value for key, value in item.items() if key != "name"}
               for item in pod.pop("volumes")}
    differences.same("pod", pod, POD)
    differences.same("volumes", volumes, VOLUMES)
    differences.same("containers", list(containers), list(CONTAINERS))
    env = {}
    for name, container in containers.items():
        env |= env_of(container)
        container["mounts"] = {item["name"]: item["mountPath"] for item in container["volumeMounts"]}
        for key, value in CONTAINERS.get(name, {}).items():
            differences.same(f"{name}: {key}", container.get(key), value)
    wanted = upstream_env()
    for key in sorted(env.keys() | wanted.keys()):
        differences.same(" ".join(key), env.get(key), wanted.get(key))
    known = {item["name"] for item in json.loads(pathlib.Path(settings).read_text())["settings"]}
    differences += [f"{name}: no setting of the program" for _, name in env if name not in known]
    images = {container["image"] for container in containers.values()}
    version = found["ServiceAccount", "aws-node"]["metadata"]["labels"]["app.kubernetes.io/version"]
    differences.same("images", sorted(images), [f"registry.example.com/vpccni:{version}"])

    differences.same("ClusterRole", rules_of(found["ClusterRole", "aws-node"]), rules_of(upstream_role()))
    differences.same("ClusterRoleBinding", found["ClusterRoleBinding", "aws-node"]["subjects"],
                     [{"kind": "ServiceAccount", "name": "aws-node", "namespace": "kube-system"}])
    differences.same("ConfigMap", found["ConfigMap", "amazon-vpc-cni"]["data"], CONFIG)
    return differences


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    answer = main(*sys.argv[1:])
    print("\n".join(answer))
    sys.exit(bool(answer))

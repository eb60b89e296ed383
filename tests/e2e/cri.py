#!/usr/bin/python3
"""A small client of the container runtime interface: what the kubelet asks of a runtime.

usage: cri.py SOCKET run [--patience S] [--uid UID] [--attempt N] [--publish HOST:POD]
                         [--annotation KEY=VALUE]... [--cgroup PARENT] [--host-network] NAME...
           a pod sandbox each, all at once, with a container that serves its pod's name on port 80;
           prints NAME SANDBOX CONTAINER IP per pod. Within S seconds a failure is tried again.
       cri.py SOCKET exec CONTAINER CMD...     its output and exit code
       cri.py SOCKET stop|remove SANDBOX...    all at once
       cri.py SOCKET sandboxes                 ID STATE NAME per sandbox
       cri.py SOCKET network                   the loaded CNI configuration, if the network is ready

There is no CRI client in Debian 12, so the messages are built from the descriptors that containerd
1.6 carries in its binary: gzip streams, each a FileDescriptorProto.
"""

import argparse
import concurrent.futures
import json
import sys
import time
import zlib

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

PACKAGE = "runtime.v1"
CALL_SECONDS = 60
IMAGE = "localhost/bb:1"
SERVE = "mkdir /www && hostname >/www/index.html && exec httpd -f -p 80 -h /www"


def cri_descriptor(binary):
    with open(binary, "rb") as file:
        data = file.read()
    at = -1
    while (at := data.find(b"\x1f\x8b\x08", at + 1)) >= 0:
        found = descriptor_pb2.FileDescriptorProto()
        try:
            found.ParseFromString(zlib.decompressobj(31).decompress(data[at : at + 400000]))
        except Exception:  # any other bytes that look like gzip
            continue
        if (found.name, found.package) == ("api.proto", PACKAGE):
            # Options only refer to another file, which is not needed to speak.
            del found.dependency[:]
            found.ClearField("options")
            for message in found.message_type:
                message.ClearField("options")
            return found
    sys.exit(f"cri.py: {binary} carries no CRI messages")


class Runtime:
    def __init__(self, socket, binary="/usr/bin/containerd"):
        self.pool = descriptor_pool.DescriptorPool()
        self.pool.Add(cri_descriptor(binary))
        self.messages = message_factory.MessageFactory(self.pool)
        # A socket address has no host name, and containerd insists on one.
        self.channel = grpc.insecure_channel(
            f"unix:{socket}", options=[("grpc.default_authority", "localhost")]
        )

    def message(self, name):
        return self.messages.GetPrototype(self.pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))

    def call(self, method, **fields):
        request = self.message(f"{method}Request")
        response = self.message(f"{method}Response")
        return self.channel.unary_unary(
            f"/{PACKAGE}.RuntimeService/{method}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )(json_format.ParseDict(fields, request()), timeout=CALL_SECONDS)


def sandbox_config(name, args, attempt):
    network = "NODE" if args.host_network else "POD"
    ports = []
    if args.publish:
        host, pod = args.publish.split(":")
        ports = [{"protocol": "TCP", "host_port": int(host), "container_port": int(pod)}]
    return {
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": args.uid or f"uid-{name}",
            "attempt": attempt,
        },
        "hostname": "" if args.host_network else name,
        "annotations": dict(item.split("=", 1) for item in args.annotation),
        "port_mappings": ports,
        "linux": {
            "cgroup_parent": args.cgroup,
            "security_context": {"namespace_options": {"network": network, "pid": "CONTAINER"}},
        },
    }


def run_pod(runtime, name, args):
    limit = time.monotonic() + args.patience
    attempt = args.attempt
    while True:
        config = sandbox_config(name, args, attempt)
        try:
            sandbox = runtime.call("RunPodSandbox", config=config).pod_sandbox_id
            break
        except grpc.RpcError:
            # As the kubelet does it: again, with a new sandbox.
            if time.monotonic() > limit:
                raise
            attempt += 1
            time.sleep(0.5)
    container = runtime.call(
        "CreateContainer",
        pod_sandbox_id=sandbox,
        sandbox_config=config,
        config={
            "metadata": {"name": "main", "attempt": 0},
            "image": {"image": IMAGE},
            "command": ["/bin/sh", "-c", SERVE],
            "linux": {},
        },
    ).container_id
    runtime.call("StartContainer", container_id=container)
    status = runtime.call("PodSandboxStatus", pod_sandbox_id=sandbox).status
    return f"{name} {sandbox} {container} {status.network.ip}"


def at_once(work, items):
    """The error of one does not keep the others from being done and printed."""
    with concurrent.futures.ThreadPoolExecutor(len(items)) as threads:
        waiting = [threads.submit(work, item) for item in items]
    failed = 0
    for one in waiting:
        try:
            line = one.result()
            if line:
                print(line)
        except grpc.RpcError as error:
            print(f"cri.py: {error.code().name}: {error.details()}", file=sys.stderr)
            failed = 1
    return failed


def execute(runtime, container, command):
    answer = runtime.call("ExecSync", container_id=container, cmd=command, timeout=30)
    sys.stdout.write(answer.stdout.decode(errors="replace"))
    sys.stderr.write(answer.stderr.decode(errors="replace"))
    return answer.exit_code


def network(runtime):
    answer = runtime.call("Status", verbose=True)
    for condition in answer.status.conditions:
        if condition.type == "NetworkReady" and not condition.status:
            print(f"cri.py: the network is not ready: {condition.message}", file=sys.stderr)
            return 1
    print(json.dumps(json.loads(answer.info["cniconfig"])))
    return 0


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("socket")
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run")
    run.add_argument("--patience", type=float, default=0)
    run.add_argument("--uid")
    run.add_argument("--host-network", action="store_true")
    run.add_argument("--attempt", type=int, default=0)
    run.add_argument("--publish")
    run.add_argument("--annotation", action="append", default=[])
    run.add_argument("--cgroup", default="")
    run.add_argument("names", nargs="+")
    inside = verbs.add_parser("exec")
    inside.add_argument("container")
    inside.add_argument("command", nargs=argparse.REMAINDER)
    for verb in ("stop", "remove"):
        verbs.add_parser(verb).add_argument("sandboxes", nargs="+")
    verbs.add_parser("sandboxes")
    verbs.add_parser("network")
    return parser.parse_args()


def main():
    args = arguments()
    runtime = Runtime(args.socket)
    if args.verb == "run":
        return at_once(lambda name: run_pod(runtime, name, args), args.names)
    if args.verb in ("stop", "remove"):
        method = f"{args.verb.capitalize()}PodSandbox"
        return at_once(lambda one: runtime.call(method, pod_sandbox_id=one) and None, args.sandboxes)
    try:
        if args.verb == "exec":
            return execute(runtime, args.container, args.command)
        if args.verb == "network":
            return network(runtime)
        for item in runtime.call("ListPodSandbox").items:
            print(item.id, "READY" if item.state == 0 else "NOTREADY", item.metadata.name)
        return 0
    except grpc.RpcError as error:
        print(f"cri.py: {error.code().name}: {error.details()}", file=sys.stderr)
        return 1


sys.exit(main())

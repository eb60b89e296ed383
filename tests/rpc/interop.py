#!/usr/bin/python3
"""lib/rpc and the probe against the official gRPC stack, in both directions.

Generic byte (de)serialisers: the wire's framing, headers and status are what is tested here.
Exit 0 passed, 1 failed, 77 skipped (no grpcio).
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import grpc
except ImportError:
    print("skipped: /usr/bin/python3 has no grpc (python3-grpcio)")
    sys.exit(77)

ADD = "/rpc.CNIBackend/AddNetwork"
LATER = "/rpc.CNIBackend/DelNetwork"
NEVER = "/rpc.ConfigServerBackend/GetNetworkPolicyConfigs"
FAIL = "/rpc.CNIBackend/Fail"
CHECK = "/grpc.health.v1.Health/Check"
FAIL_TEXT = "1 error:\n\t* 100% unknown \u00fc"
MEGABYTE = bytes(i * 7 % 251 for i in range(1 << 20))

programs = argparse.Namespace()


def run(*args, data=b"", timeout=20):
    return subprocess.run(args, input=data, capture_output=True, timeout=timeout, check=False)


def call(target, path, data=b"", limit=10000, count=1):
    """Our client. Returns (exit code, reply, what it said of the status)."""
    done = run(programs.call, target, path, str(limit), str(count), data=data)
    return done.returncode, done.stdout, done.stderr.decode()


def probe(*args, timeout=20):
    """The probe. Returns (exit code, messages); its stdout must be empty, its lines JSON."""
    start = time.monotonic()
    done = run(programs.probe, *args, timeout=timeout)
    assert done.stdout == b"", done.stdout
    lines = [json.loads(line) for line in done.stderr.decode().splitlines()]
    assert all(line["level"] == "info" for line in lines), lines
    return done.returncode, [line["msg"] for line in lines], time.monotonic() - start


@contextlib.contextmanager
def black_hole():
    """A port that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def free_port():
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        return probe_socket.getsockname()[1]


class OurServer(unittest.TestCase):
    """The official client against our server."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="vpccni-interop-")
        path = os.path.join(cls.directory.name, "s.sock")
        cls.server = subprocess.Popen(
            [programs.echo_server, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        cls.tcp = f"127.0.0.1:{int(cls.server.stdout.readline())}"
        cls.unix = f"unix:{path}"

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        try:
            code = cls.server.wait(10)
        finally:
            cls.server.kill()
            cls.server.stdin.close()
            cls.server.stdout.close()
            cls.directory.cleanup()
        assert code == 0, f"the server ended with {code}"

    @contextlib.contextmanager
    def channel(self, target, **options):
        # Its own connection: channels of one process share one by default.
        pairs = [("grpc.use_local_subchannel_pool", 1), *options.items()]
        with grpc.insecure_channel(target, options=pairs) as channel:
            yield lambda path: channel.unary_unary(
                path, request_serializer=None, response_deserializer=None
            )

    def test_unary(self):
        for target in (self.tcp, self.unix):
            with self.channel(target) as method:
                for data in (b"", b"\0", b"hello", MEGABYTE):
                    self.assertEqual(method(ADD)(data, timeout=20), data)
                self.assertEqual(method(LATER)(b"later", timeout=20), b"later")
                self.assertEqual(method(ADD)(b"no deadline"), b"no deadline")

    def test_metadata(self):
        with self.channel(self.tcp) as method:
            reply, done = method(ADD).with_call(
                b"x", timeout=20, metadata=(("x-any", "value"), ("x-bin", b"\0\xff"))
            )
            self.assertEqual(reply, b"x")
            self.assertEqual(done.code(), grpc.StatusCode.OK)

    def test_status(self):
        with self.channel(self.tcp) as method:
            for path, code, text in (
                (FAIL, grpc.StatusCode.NOT_FOUND, FAIL_TEXT),
                ("/no.Such/Method", grpc.StatusCode.UNIMPLEMENTED, "unknown method /no.Such/Method"),
            ):
                with self.assertRaises(grpc.RpcError) as failed:
                    method(path)(b"x", timeout=20)
                self.assertEqual(failed.exception.code(), code)
                self.assertEqual(failed.exception.details(), text)

    def test_deadline_and_cancel(self):
        with self.channel(self.tcp) as method:
            start = time.monotonic()
            with self.assertRaises(grpc.RpcError) as failed:
                method(NEVER)(b"", timeout=0.2)
            self.assertEqual(failed.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            self.assertLess(time.monotonic() - start, 5)
            for _ in range(20):
                future = method(NEVER).future(b"", timeout=20)
                future.cancel()
                self.assertTrue(future.cancelled())
            self.assertEqual(method(ADD)(b"alive", timeout=20), b"alive")

    def test_concurrent(self):
        for target in (self.tcp, self.unix):
            with self.channel(target) as method:
                futures = [
                    method(LATER if i % 2 else ADD).future(b"%d" % i * 1000, timeout=20)
                    for i in range(300)  # more than streams are allowed: the client queues
                ]
                for i, future in enumerate(futures):
                    self.assertEqual(future.result(), b"%d" % i * 1000)

    def test_fifty_connections(self):
        def one(i):
            with self.channel(self.tcp if i % 2 else self.unix) as method:
                return method(ADD)(b"%d" % i, timeout=20)

        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            self.assertEqual(list(pool.map(one, range(50))), [b"%d" % i for i in range(50)])

    def test_too_large(self):
        with self.channel(self.tcp) as method:
            with self.assertRaises(grpc.RpcError) as failed:
                method(ADD)(b"x" * (5 << 20), timeout=20)
            self.assertEqual(failed.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertEqual(method(ADD)(b"after", timeout=20), b"after")

    def test_compressed(self):
        gzip = int(grpc.Compression.Gzip)
        with self.channel(self.tcp, **{"grpc.default_compression_algorithm": gzip}) as method:
            with self.assertRaises(grpc.RpcError) as failed:
                method(ADD)(b"a" * 10000, timeout=20)
            self.assertEqual(failed.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_health(self):
        with self.channel(self.tcp) as method:
            name = b"grpc.health.v1.aws-node"
            for request in (b"", b"\n" + bytes([len(name)]) + name):
                self.assertEqual(method(CHECK)(request, timeout=20), b"\x08\x01")
            for request, code in (
                (b"\n\x04nope", grpc.StatusCode.NOT_FOUND),
                (b"\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
            ):
                with self.assertRaises(grpc.RpcError) as failed:
                    method(CHECK)(request, timeout=20)
                self.assertEqual(failed.exception.code(), code)

    def test_our_client(self):
        for target in (self.tcp, self.unix):
            self.assertEqual(call(target, ADD, MEGABYTE), (0, MEGABYTE, "status 0 \n"))

    def test_probe(self):
        self.assertEqual(probe("-addr", self.tcp)[:2], (0, ["status: SERVING"]))
        for target in (self.unix, self.unix.replace("unix:", "unix://")):
            self.assertEqual(probe(f"--addr={target}")[:2], (0, ["status: SERVING"]))
        port = self.tcp.split(":")[1]
        code, said, _ = probe(
            f"-addr=:{port}", "-service=grpc.health.v1.aws-node", "-connect-timeout=5s",
            "--rpc-timeout", "1m30s", "-user-agent=x", "-rpc-header", "X-A: b", "-v", "ignored", "-x",
        )
        self.assertEqual(code, 0)
        self.assertEqual(said[1], f"> remoteUrl=:{port} conn-timeout=5s rpc-timeout=1m30s")
        self.assertEqual(said[-1], "status: SERVING")
        self.assertEqual(
            probe("-addr", self.tcp, "-service=nope")[:2],
            (3, ["error: health rpc failed: rpc error: code = NotFound desc = unknown service"]),
        )


class OfficialServer(unittest.TestCase):
    """Our client and the probe against the official server."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="vpccni-interop-")
        cls.seen = []
        cls.health = b"\x08\x01"

        class Generic(grpc.GenericRpcHandler):
            def service(self, details):
                behaviour = getattr(cls, "do_" + details.method.rsplit("/", 1)[1], None)
                if behaviour is None:
                    return None
                cls.seen.append(dict(details.invocation_metadata))
                return grpc.unary_unary_rpc_method_handler(behaviour)

        cls.server = grpc.server(
            concurrent.futures.ThreadPoolExecutor(16),
            handlers=[Generic()],
            options=[("grpc.max_send_message_length", -1)],
        )
        path = os.path.join(cls.directory.name, "p.sock")
        cls.tcp = f"127.0.0.1:{cls.server.add_insecure_port('127.0.0.1:0')}"
        cls.unix = f"unix:{path}"
        cls.server.add_insecure_port(cls.unix)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop(0).wait()
        cls.directory.cleanup()

    @staticmethod
    def do_Echo(request, _context):
        return request

    @staticmethod
    def do_Slow(request, context):
        deadline = time.monotonic() + 10
        while context.is_active() and time.monotonic() < deadline:
            time.sleep(0.01)
        return request

    @staticmethod
    def do_Large(_request, _context):
        return b"x" * (5 << 20)

    @staticmethod
    def do_Fail(_request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, FAIL_TEXT)

    @classmethod
    def do_Check(cls, _request, context):
        if cls.health is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "no health here")
        return cls.health

    def test_unary(self):
        for target in (self.tcp, self.unix, self.unix.replace("unix:", "unix://")):
            for data in (b"", b"hello", MEGABYTE):
                self.assertEqual(call(target, "/t.T/Echo", data), (0, data, "status 0 \n"))
            # The second and later calls of one connection.
            code, data, said = call(target, "/t.T/Echo", b"again ", count=20)
            self.assertEqual((code, data, said), (0, b"again " * 20, "status 0 \n" * 20))

    def test_headers(self):
        self.seen.clear()
        call(self.tcp, "/t.T/Echo", b"x")
        self.assertEqual(self.seen[0]["user-agent"], "rpc-call/1")

    def test_status(self):
        for target in (self.tcp, self.unix):
            self.assertEqual(call(target, "/t.T/Fail"), (3, b"", f"status 5 {FAIL_TEXT}\n"))
            self.assertEqual(call(target, "/t.T/None")[2].split()[1], "12")
        self.assertTrue(call(self.tcp, "/t.T/Large")[2].startswith("status 8 "))
        self.assertTrue(
            call(self.tcp, "/t.T/Echo", b"x" * (5 << 20))[2].startswith("status 8 ")
        )

    def test_deadline(self):
        start = time.monotonic()
        code, _, said = call(self.tcp, "/t.T/Slow", limit=200)
        # Both sides keep the same deadline: either may be first to say so.
        self.assertIn(code, (3, 4))
        self.assertTrue(said.startswith(("error timeout ", "status 4 ")), said)
        self.assertLess(time.monotonic() - start, 5)

    def test_concurrent(self):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            results = pool.map(
                lambda i: call(self.tcp if i % 2 else self.unix, "/t.T/Echo", b"%d" % i), range(50)
            )
            for i, result in enumerate(results):
                self.assertEqual(result, (0, b"%d" % i, "status 0 \n"))

    def test_probe(self):
        cls = type(self)
        for target in (self.tcp, self.unix):
            for health, code, said in (
                (b"\x08\x01", 0, "status: SERVING"),
                (b"\x08\x02", 4, 'service unhealthy (responded with "NOT_SERVING")'),
                (b"", 4, 'service unhealthy (responded with "UNKNOWN")'),
                (b"\x08\x2a", 4, 'service unhealthy (responded with "42")'),
                (b"\x08", 3, "error: health rpc failed: rpc error: code = Internal desc = "
                 "reply is no HealthCheckResponse"),
                (None, 3, "error: this server does not implement the grpc health protocol "
                 "(grpc.health.v1.Health)"),
            ):
                cls.health = health
                self.assertEqual(probe("-addr", target)[:2], (code, [said]))
        cls.health = b"\x08\x01"


class ProbeAlone(unittest.TestCase):
    """The probe without a server that answers."""

    def test_nobody(self):
        for target in (f"127.0.0.1:{free_port()}", "unix:/nonexistent/x.sock"):
            code, said, took = probe("-addr", target, "-connect-timeout=300ms")
            self.assertEqual(
                (code, said), (2, [f'timeout: failed to connect service "{target}" within 300ms'])
            )
            self.assertGreaterEqual(took, 0.3)
            self.assertLess(took, 3)

    def test_black_hole(self):
        with black_hole() as target:
            code, said, _ = probe("-addr", target)
            self.assertEqual(
                (code, said), (2, [f'timeout: failed to connect service "{target}" within 1s'])
            )

    def test_server_comes_late(self):
        port = free_port()
        waiting = subprocess.Popen(
            [programs.probe, f"-addr=127.0.0.1:{port}", "-connect-timeout=10s"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        time.sleep(0.2)
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
        server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        try:
            said = waiting.communicate(timeout=15)[1]
            self.assertEqual(waiting.returncode, 3, said)  # connected: it has no health service
        finally:
            server.stop(0).wait()
            waiting.kill()

    def test_rpc_timeout(self):
        # A server that greets (SETTINGS) and never answers.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            target = f"127.0.0.1:{listener.getsockname()[1]}"
            asking = subprocess.Popen(
                [programs.probe, "-addr", target, "-rpc-timeout=1.2s"], stderr=subprocess.PIPE
            )
            with listener.accept()[0] as peer:
                peer.sendall(b"\0\0\0\4\0\0\0\0\0")
                said = asking.communicate(timeout=15)[1]
            self.assertEqual(asking.returncode, 3)
            self.assertEqual(
                json.loads(said)["msg"], "timeout: health rpc did not complete within 1.2s"
            )

    def test_arguments(self):
        self.assertEqual(probe()[:2], (1, ["error: --addr not specified"]))
        for value, text in (("0", "0s"), ("-1s", "-1s"), ("-1.5m", "-1m30s"), ("0s", "0s")):
            for name in ("connect", "rpc"):
                self.assertEqual(
                    probe("-addr=:1", f"-{name}-timeout", value)[:2],
                    (1, [f"error: --{name}-timeout must be greater than zero (specified: {text})"]),
                )
        code, said, _ = probe("-addr=host.example:1")
        self.assertEqual(code, 2)
        self.assertTrue(said[0].startswith('error: failed to connect service at "host.example:1": '))

    def test_usage(self):
        for args, text in (
            (["-nope"], "flag provided but not defined: -nope"),
            (["--addr"], "flag needs an argument: -addr"),
            (["---addr=x"], "bad flag syntax: ---addr=x"),
            (["-=x"], "bad flag syntax: -=x"),
            (["-v=maybe"], 'invalid value "maybe" for flag -v: parse error'),
            (["-tls"], "flag -tls: TLS is not supported, only plain text is"),
            (["-tls-ca-cert=x"], "flag -tls-ca-cert: TLS is not supported, only plain text is"),
            (["-rpc-header=x"], 'invalid value "x" for flag -rpc-header: parse error'),
            *(
                ([f"-rpc-timeout={bad}"],
                 f'invalid value "{bad}" for flag -rpc-timeout: parse error')
                for bad in ("", "1", "s", "1x", "1.s.", "1e3s", "9999999999h", "infs", "-", ".s")
            ),
        ):
            done = run(programs.probe, *args)
            self.assertEqual((done.returncode, done.stdout), (2, b""), args)
            lines = done.stderr.decode().splitlines()
            self.assertEqual(lines[:2], [text, "Usage of rpc_probe:"])
        for args in (["-h"], ["--help"]):
            done = run(programs.probe, *args)
            self.assertEqual((done.returncode, done.stdout), (0, b""))
        done = run(programs.probe, "-version")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertRegex(done.stdout, rb"^\d+\.\d+\.\d+\n$")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("echo-server", "call", "probe"):
        parser.add_argument("--" + name, required=True)
    _, rest = parser.parse_known_args(namespace=programs)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A TLS server in front of a plain HTTP one: tls_front.py PORT HOST:PORT CERT KEY LOG.

Listens on 127.0.0.1, passes bytes both ways, writes version and cipher of each connection to LOG.
"""
import socket
import ssl
import sys
import threading


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client, context, target, log):
    try:
        with context.wrap_socket(client, server_side=True) as inside, socket.create_connection(target) as outside:
            log.write(" ".join(str(part) for part in inside.cipher()[:2]) + "\n")
            log.flush()
            back = threading.Thread(target=copy, args=(outside, inside), daemon=True)
            back.start()
            copy(inside, outside)
            back.join(30)
    except OSError as error:
        log.write(f"refused {error}\n")
        log.flush()


def main():
    port, target, certificate, key, log = sys.argv[1:]
    host, _, target_port = target.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", int(port))) as listener, open(log, "a", encoding="ascii") as out:
        while True:
            client, _ = listener.accept()
            threading.Thread(
                target=serve, args=(client, context, (host, int(target_port)), out), daemon=True
            ).start()


main()

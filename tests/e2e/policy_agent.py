"""A stand-in for the network policy agent: the official gRPC server, one line per request.

usage: policy_agent.py SOCKET LOG [refuse]
"""
import sys
from concurrent import futures

import grpc

socket, log = sys.argv[1:3]
reply = b"" if sys.argv[3:] == ["refuse"] else b"\x08\x01"  # Success = true


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        method = details.method

        def answer(request, _):
            with open(log, "a", encoding="utf-8") as file:
                print(method, request, file=file, flush=True)
            return reply

        return grpc.unary_unary_rpc_method_handler(answer)


server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers([Handler()])
server.add_insecure_port("unix:" + socket)
server.start()
server.wait_for_termination()

"""A host of the lab's internet: answers each HTTP request with the address it came from."""
import http.server
import socket
import threading


class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802 (the library's name)
        body = self.client_address[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


six = Server6(("2001:db8:9::9", 8080), Echo)
threading.Thread(target=six.serve_forever, daemon=True).start()
http.server.ThreadingHTTPServer(("198.51.100.9", 8080), Echo).serve_forever()

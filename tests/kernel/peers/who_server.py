"""Tells each TCP connection ``NAME ADDRESS PORT``: its own name and who the other is. Arguments: the port, the name."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading


class Who(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        address, port, *_ = self.client_address
        self.request.sendall(f"{sys.argv[2]} {address.removeprefix('::ffff:')} {port}".encode())


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    allow_reuse_address = True

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that a firewall cut is what tests are about: nothing to print."""


with Server(("::", int(sys.argv[1])), Who) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print('"ready"', flush=True)
    sys.stdin.read()

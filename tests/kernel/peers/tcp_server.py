"""Echoes what each TCP connection sends, for IPv4 and IPv6. Argument: the port."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := self.request.recv(4096):
            self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    request_queue_size = 128
    daemon_threads = True
    allow_reuse_address = True

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that a firewall cut is what tests are about: nothing to print."""


with Server(("::", int(sys.argv[1])), Echo) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print('"ready"', flush=True)
    sys.stdin.read()

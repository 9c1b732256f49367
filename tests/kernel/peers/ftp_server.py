"""An FTP server, anonymous and read-only, for IPv4 and IPv6. Arguments: the port, the directory to serve."""

from __future__ import annotations

import logging
import sys
import threading

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import ThreadedFTPServer

logging.disable(logging.CRITICAL)
authorizer = DummyAuthorizer()
authorizer.add_anonymous(sys.argv[2])
FTPHandler.authorizer = authorizer
server = ThreadedFTPServer(("::", int(sys.argv[1])), FTPHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print('"ready"', flush=True)
sys.stdin.read()

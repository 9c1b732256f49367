"""Load a file of JSON commands through the bindings of libnftables. Runs inside a root: Python 3.9 or newer."""

import sys

import nftables

nft = nftables.Nftables()
nft.set_json_output(True)
with open(sys.argv[1], encoding="utf-8") as file:
    status, _, error = nft.cmd(file.read())
sys.stderr.write(error)
sys.exit(1 if status else 0)

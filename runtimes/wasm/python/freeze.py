"""Compiles the library folder's modules named by the arguments.

Writes, for each, the length of its bytecode file in four bytes, and the file.
The files say that they need not be checked against their source.
"""

import importlib.util
import marshal
import sys

FOLDER = "/lib/sandpiper/"
UNCHECKED_HASH = (1).to_bytes(4, "little")

for name in sys.argv[1:]:
    with open(FOLDER + name, "rb") as file:
        code = compile(file.read(), FOLDER + name, "exec", dont_inherit=True)
    bytecode = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + bytes(8) + marshal.dumps(code)
    sys.stdout.buffer.write(len(bytecode).to_bytes(4, "little") + bytecode)

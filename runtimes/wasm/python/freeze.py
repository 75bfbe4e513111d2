"""Writes a zip archive of what a library folder needs so that Python starts fast.

That is every module named by the arguments with its bytecode, an empty
sitecustomize, and the package encodings: the interpreter looks for these two at
every start, and looking for them in the standard library's own archive means
reading its directory, which takes a quarter of the time of a small program.
"""

import importlib.util
import io
import marshal
import sys
import zipfile
import zipimport

FOLDER = "/lib/sandpiper/"
STARTS = "sandpiper_run.py", "sandpiper_command.py", "sandpiper_image.py"  # are run by their paths
UNCHECKED_HASH = (1).to_bytes(4, "little")


def bytecode(source, path):
    code = compile(source, path, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + bytes(8) + marshal.dumps(code)


buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w") as archive:
    for name in sys.argv[1:]:
        with open(FOLDER + name, "rb") as file:
            source = file.read()
        archive.writestr(name, source)
        archive.writestr(importlib.util.cache_from_source(name), bytecode(source, FOLDER + name))
        if name in STARTS:
            archive.writestr(name + "c", bytecode(source, FOLDER + name))
    archive.writestr("sitecustomize.pyc", bytecode(b"", FOLDER + "sitecustomize.py"))
    library = zipimport.zipimporter(next(p for p in sys.path if p.endswith(".zip")))
    for name in library._files:
        if name.startswith("encodings/"):
            archive.writestr(name, library.get_data(name))
sys.stdout.buffer.write(buffer.getvalue())

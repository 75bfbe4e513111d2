"""Makes the image that runs go on from, and is where they go on.

The interpreter starts this file once. It imports what programs often need, does
once what the interpreter does once in its life, and asks the engine to take the
image. A run calls main(), which finds in the port what it is to do. Everything
that has to be different in each run is set there: the environment, the
arguments, the state of random, the time at which logging began.
"""

import atexit
import gc
import io
import marshal
import os
import sys
import time

import sandpiper_command as command
import sandpiper_run as start

STARTED = frozenset(sys.modules)  # what every interpreter has imported

# What programs import most. The image has it already, which saves each of them
# the time that is needed to load it.
PRELOADED = """
    sandpiper
    abc argparse ast base64 bisect calendar collections.abc contextlib copy csv dataclasses datetime decimal enum
    fractions functools hashlib heapq inspect itertools json linecache math numbers operator pathlib pprint random re
    runpy secrets shlex shutil statistics string struct tempfile textwrap threading timeit traceback types typing
    unicodedata uuid
""".split()

PORT = "/run/sandpiper/port"  # what is read from it is marshalled, what is written is text
ENTRY = b"__import__('sandpiper_image').main()\0"  # is what a run calls, by its address
LIBRARY = b""  # the archive of the library folder, for the next start of the engine


def request():
    """Returns what the engine wants."""
    port = os.open(PORT, os.O_RDONLY)
    try:
        content = os.read(port, os.fstat(port).st_size)
    finally:
        os.close(port)
    return marshal.loads(content)


def answer(content):
    """Tells the engine what came of it."""
    port = os.open(PORT, os.O_WRONLY)
    try:
        while content:
            content = content[os.write(port, content):]
    finally:
        os.close(port)


# ---------------------------------------------------------------- a run

def main():
    """Does what the engine wants. Only cells of kernels come back from here."""
    kind, *rest = request()
    kind = kind.decode()
    if kind == "kernel":
        import sandpiper_kernel

        action, *rest = rest
        return sandpiper_kernel.handle(action.decode(), *rest)
    code = 1
    try:
        code = program(kind, *rest)
    finally:
        leave(code)


def program(kind, directory, value, arguments, environment):
    """Runs a program to its end and returns its exit code."""
    refresh(environment)
    value, arguments = os.fsdecode(value), [os.fsdecode(a) for a in arguments]
    sys.orig_argv[:] = ["python", *([value] if value else []), *arguments]
    try:
        if kind == "run":
            sys.argv[:] = [value, *arguments]
            sys.path[0] = folder = "/" + value.rpartition("/")[0]
            make_room(folder)
            start.run_main(value)
        else:
            command.make_room = make_room
            command.run(os.fsdecode(directory), kind, value, *arguments)
    except SystemExit as error:
        return exit_code(error)
    except BaseException as error:  # the others have been reported
        sys.excepthook(type(error), error, error.__traceback__)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def refresh(environment):
    """Sets what is different in each run."""
    for entry in environment:
        name, _, value = entry.partition(b"=")
        os.environb[name] = value
    own = [os.path.abspath(folder) for folder in os.environ.get("PYTHONPATH", "").split(":") if folder]
    sys.path[2:2] = own
    for folder in own:
        make_room(folder)
    start.first_tick = start.ticks()
    reseed()


def reseed():
    """Gives the run a randomness of its own."""
    import random

    random.seed()


def make_room(folder):
    """Lets files of the program be imported that have the name of a module which
    is there already, as if it were not."""
    try:
        names = {name.partition(".")[0] for name in os.listdir(folder)}
    except OSError:
        return
    if names.isdisjoint(AHEAD):
        return
    for name in [name for name in sys.modules if name not in STARTED and not name.startswith("sandpiper")]:
        del sys.modules[name]


def exit_code(error):
    """Returns the exit code that a SystemExit asks for."""
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code if -1 << 31 <= code < 1 << 31 else -1
    flush(sys.stdout)
    print(code, file=sys.stderr)
    return 1


def leave(code):
    """Ends the interpreter as it ends by itself, but for what only gives memory
    back: exit functions, output, and the objects of the program."""
    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
        atexit._run_exitfuncs()
        if not flush(sys.stdout):
            code = 120
        flush(sys.stderr)
        sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
        sys.last_exc = sys.last_type = sys.last_value = sys.last_traceback = None
        for name in [name for name, module in sys.modules.items() if name not in OURS and not is_library(module)]:
            sys.modules.pop(name, None)
        gc.collect()
        flush(sys.stdout)
        flush(sys.stderr)
    finally:
        os._exit(code)


def is_library(module):
    """Reports whether a module is one of the interpreter's own."""
    return (getattr(module, "__file__", None) or "").startswith("/usr/local/lib/python3")


def flush(file):
    """Reports whether what was written to a file has arrived."""
    try:
        if file is not None and not file.closed:
            file.flush()
    except Exception:
        return False
    return True


# ---------------------------------------------------------------- the image

SAMPLE = """
import sys
class A:
    'A class.'
    def __init__(self, *, x=1):
        self.x = x
    @property
    def y(self):
        return self.x
def g(n):
    return [i for i in range(n) if i % 2]
x = {'a': g(10), 'b': {1, 2}, 'c': (1.5, None)}
for k, v in x.items():
    str(v), repr(k), f'{v!r:>10}', '%s' % (v,)
try:
    1 / 0
except ZeroDivisionError as e:
    pass
with io.StringIO() as f:
    print('x', A().y, sum(g(10)), sorted('abc'), file=f)
lambda a, *b, c=1, **d: (yield)
match x:
    case {'a': [1, *rest]} if rest: pass
    case _: pass
assert x, 'x'
async def h():
    async for i in x: await i
"""


def warm():
    """Does what an interpreter does once in its life or what it does slowly at
    first."""
    for _ in range(20):
        exec(compile(SAMPLE, "main.py", "exec"), {"io": io, "__name__": "x"})
    for code in "1/0", "print(", "def f():\nreturn":
        try:
            exec(compile(code, "main.py", "exec"), {})
        except BaseException as error:
            traceback.print_exception(error, file=io.StringIO())
    reseed()


def outgrow():
    """Adds strings to the table of interned ones until it has been made larger,
    which no run will have to do then. The engine's clock counts work."""
    work = lambda: round(time.clock_getres(time.CLOCK_REALTIME) * 1e9)
    for n in range(200_000):
        name = "interned %d" % n
        before = work()
        sys.intern(name)
        if work() - before > 3000:
            return


def make():
    global AHEAD, OURS, LIBRARY, traceback
    LIBRARY, = request()
    start.repair()
    for name in PRELOADED:
        __import__(name)
    import traceback
    import sandpiper_kernel

    AHEAD = frozenset(name for name in sys.modules if name not in STARTED and "." not in name)
    sandpiper_kernel.warm()
    warm()
    gc.collect()
    gc.freeze()
    outgrow()
    warm()
    import linecache

    linecache.clearcache()
    sys.modules["__main__"] = type(sys)("__main__")
    OURS = frozenset(sys.modules) - {"__main__"}
    header = bytes.__basicsize__ - 1
    answer(b"%d %d %d" % (id(ENTRY) + header, id(LIBRARY) + header, len(LIBRARY)))
    gc.collect()
    gc.freeze()
    time.clock_getres(time.CLOCK_MONOTONIC)  # does not return: the image is taken


if __name__ == "__main__":
    __name__ = "sandpiper_image"  # which is what runs import
    sys.modules[__name__] = sys.modules["__main__"]
    make()

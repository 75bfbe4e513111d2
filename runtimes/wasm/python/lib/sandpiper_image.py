"""Makes the image that runs go on from, and is where they go on.

The interpreter starts this file once. It imports what programs often need, does
once what the interpreter does once in its life, and asks the engine to take the
image. A run calls main(), which finds in REQUEST or in the port what it is to do.
Everything that has to be different in each run is set there: the environment, the
arguments, the time at which the process began. The state of random is the
exception: the engine writes a new one into the memory.
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
REQUEST = bytes(64 << 10)  # is where the engine writes what it wants: None when that is in the port
NOTHING = ()  # the arguments of main
LIBRARY = b""  # the archive of the library folder, for the next start of the engine
BASE = {b"HOME": b"/", b"LANG": b"C.UTF-8", b"TZ": b"UTC"}  # what most environments have


def request():
    """Returns what the engine wants."""
    return marshal.loads(REQUEST) or long_request()


def long_request():
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
    """Does what the engine wants. Only cells of kernels come back from here, and
    never with an exception, which nobody would clear."""
    kind, *rest = request()
    kind = kind.decode()
    if kind == "kernel":
        try:
            import sandpiper_kernel

            action, *rest = rest
            sandpiper_kernel.handle(action.decode(), *rest)
        except KeyboardInterrupt:
            pass  # it comes too late
        return
    code = 1
    try:
        code = program(kind, *rest)
    finally:
        leave(code)


def program(kind, directory, value, arguments, environment, source, names):
    """Runs a program to its end and returns its exit code. source and names, which
    are those of its folder, are known for a run only."""
    refresh(environment)
    value, arguments = os.fsdecode(value), [os.fsdecode(a) for a in arguments]
    sys.orig_argv[:] = ["python", *([value] if value else []), *arguments]
    try:
        if kind == "run":
            sys.argv[:] = [value, *arguments]
            folder, _, _ = value.rpartition("/")
            sys.path[0] = "/" + folder
            make_room(sys.path[0] if folder else [os.fsdecode(name) for name in names])
            start.run_main(value, source)
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
    given = dict(entry.split(b"=", 1) for entry in environment)
    for name in BASE.keys() - given.keys():
        del os.environb[name]
    for name in given.items() - BASE.items():
        os.environb[name[0]] = name[1]
    own = [os.path.abspath(folder) for folder in os.environ.get("PYTHONPATH", "").split(":") if folder]
    sys.path[2:2] = own
    for folder in own:
        make_room(folder)
    start.first_tick = start.ticks()


def reseed():
    """Gives a copy of a kernel a randomness of its own."""
    import random

    random.seed()


def make_room(folder):
    """Lets files of the program be imported that have the name of a module which
    is there already, as if it were not. folder is its path or its names."""
    try:
        names = os.listdir(folder) if isinstance(folder, str) else folder
    except OSError:
        return
    if AHEAD.isdisjoint([name.partition(".")[0] for name in names]):
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
        threading = sys.modules.get("threading")
        if threading and threading._threading_atexits:  # there are no threads to wait for
            threading._shutdown()
        atexit._run_exitfuncs()
        if not flush(sys.stdout):
            code = 120
        flush(sys.stderr)
        sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
        sys.last_exc = sys.last_type = sys.last_value = sys.last_traceback = None
        for name in sys.modules.keys() - OURS:
            if not is_library(sys.modules[name]):
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


def places():
    """Tells the engine where it finds what it needs, with which it can check that:
    the start of bytes objects, and objects with their types."""
    import random

    random.seed()
    content = bytes.__basicsize__ - 1
    state = random.getstate()[1]
    return b" ".join(b"%d" % number for number in (
        id(LIBRARY) + content, len(LIBRARY), id(REQUEST) + content, len(REQUEST),
        id(main), id(type(main)), id(NOTHING), id(type(NOTHING)),
        id(random._inst) + object.__basicsize__, state[-1], *state[:-1],
    ))


def make():
    global AHEAD, OURS, LIBRARY, traceback
    LIBRARY, = long_request()
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
    os.environb.update(BASE)
    answer(places())
    gc.collect()
    gc.freeze()
    time.clock_getres(time.CLOCK_MONOTONIC)  # does not return: the image is taken


if __name__ == "__main__":
    __name__ = "sandpiper_image"  # which is what runs import
    sys.modules[__name__] = sys.modules["__main__"]
    make()

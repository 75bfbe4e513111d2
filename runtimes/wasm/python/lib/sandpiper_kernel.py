"""Runs the cells of a kernel, one after another, in one __main__."""

import ast
import builtins
import gc
import inspect
import io
import linecache
import re
import signal
import sys
import traceback
import types

import sandpiper
import sandpiper_image as image

MAX_TEXT = 1 << 20  # characters of a result's plain text
MAX_ANSWER = 8 << 20  # bytes

cells = 0  # how many there have been
running = False  # the program's code has control
early = False  # an interrupt came before it had
runner = None  # of top-level await, once there was one

OWN_FILE = (lambda: 0).__code__.co_filename


def handle(action, *rest):
    {"open": open_kernel, "renew": renew, "cell": run_cell}[action](*rest)


def open_kernel(environment):
    image.refresh(environment)
    sys.argv[:] = [""]
    sys.path[0] = ""
    image.make_room("/")
    main = types.ModuleType("__main__")
    main.__builtins__ = builtins
    sys.modules["__main__"] = main
    builtins.display = sandpiper.display
    signal.signal(signal.SIGINT, interrupt)


def interrupt(number, frame):
    """Raises KeyboardInterrupt in the program, but not in what surrounds it."""
    global early
    if running:
        raise KeyboardInterrupt
    early = True


def renew(forked):
    """Closes files that are not open any more, before their numbers are used by
    others."""
    sandpiper._device = None
    for thing in gc.get_objects():
        if isinstance(thing, io.FileIO) and not thing.closed and thing.fileno() > 2:
            try:
                thing.close()
            except OSError:
                pass  # as expected
    if forked:
        image.reseed()


def run_cell(code):
    """Runs a cell and tells the engine what came of it."""
    global cells, early
    cells += 1
    sandpiper._shown = None
    if sys.stdin is not None:
        # What the last cell has not read is not this one's.
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8", "surrogateescape")
    outcome = attempt(code.decode("utf-8", "replace"), f"<cell {cells}>", sys.modules["__main__"].__dict__)
    image.flush(sys.stdout)
    image.flush(sys.stderr)
    answer = sandpiper._dumps(outcome).encode("ascii")
    if len(answer) > MAX_ANSWER:
        text = f"[the result is too large to be shown: {len(answer)} bytes, at most {MAX_ANSWER} are possible]"
        answer = sandpiper._dumps({**outcome, "result": {"data": {"text/plain": text}}}).encode("ascii")
    image.answer(answer)
    early = False


def attempt(code, name, namespace):
    global running
    try:
        try:
            running = True
            if early:
                raise KeyboardInterrupt
            return {"result": execute(code, name, namespace)}
        except BaseException as error:
            return describe(error, name)
        finally:
            running = False
    except BaseException as error:  # the description failed or was interrupted
        kind = type(error).__name__
        return {"end": end_of(error), "error": {"name": kind, "value": "", "traceback": [kind]}}


def execute(code, name, namespace):
    """Runs a cell's code and returns the bundle of its last expression."""
    lines = code.splitlines(keepends=True)
    linecache.cache[name] = len(code), None, lines, name
    tree = compile(code, name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    if tree.body:
        evaluate(tree, name, "exec", namespace)
    if last is None:
        return None
    value = evaluate(ast.Expression(last.value), name, "eval", namespace)
    if value is None:
        return None
    builtins._ = value
    if value is sandpiper._shown or is_silenced(code, last):
        return None
    return bundle(value)


def evaluate(tree, name, mode, namespace):
    global runner
    code = compile(tree, name, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    value = eval(code, namespace)
    if code.co_flags & inspect.CO_COROUTINE and inspect.iscoroutine(value):
        if runner is None:
            import asyncio

            runner = asyncio.Runner()
        value = runner.run(value)
    return value


def is_silenced(code, last):
    """Reports whether a semicolon follows the last expression."""
    lines = re.split("\r\n|\r|\n", code)[last.end_lineno - 1:]
    lines[0] = lines[0].encode()[last.end_col_offset:].decode()
    return lines[0].lstrip().startswith(";")


def bundle(value):
    data, metadata = sandpiper._bundle(value)
    text = repr(value) if isinstance(value, str) else data["text/plain"]
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}… ({len(text) - MAX_TEXT} more characters)"
    return {"data": {**data, "text/plain": text}, "metadata": metadata or {}}


# ---------------------------------------------------------------- errors

def end_of(error):
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, SystemExit):
        return "exit"
    return "memory" if isinstance(error, MemoryError) else "error"


def describe(error, name):
    """Returns what an exception is for the engine."""
    trace = error.__traceback__
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<cell "):
        trace = trace.tb_next
    lines = "".join(without_ours(traceback.TracebackException(type(error), error, trace)).format()).splitlines()
    if isinstance(error, ModuleNotFoundError):
        lines += hints(error.name)
    end = end_of(error)
    line, column = place(error, trace, name) if end in ("error", "memory") else (0, 0)
    answer = {"end": end, "error": {
        "name": type(error).__name__, "value": text_of(error), "traceback": lines, "line": line, "column": column}}
    if isinstance(error, SystemExit):
        answer["exitCode"] = image.exit_code(error) & 0xFF
    return answer


# What does here what a package does elsewhere.
INSTEAD = {
    "matplotlib": "here, sandpiper.line, bar, scatter and hist draw charts",
    "seaborn": "here, sandpiper.line, bar, scatter and hist draw charts",
    "plotly": "here, sandpiper.line, bar, scatter and hist draw charts",
    "pandas": "here, sandpiper.table shows tables, and the module csv reads them",
    "ipywidgets": "widgets need a program in the page; display(…, display_id=True) shows progress",
}


def hints(module):
    """Returns lines that say why a module is not there, and what to do."""
    name = (module or "").partition(".")[0]
    if name in sys.stdlib_module_names:
        return [f"{name} cannot work in WebAssembly; it needs a container sandbox"]
    lines = [f"{name} is not in the standard library; packages need a container sandbox"]
    return lines + [INSTEAD[name]] if name in INSTEAD else lines


def without_ours(summary):
    """Takes our own frames out of a traceback and those that it names."""
    if summary is not None:
        summary.stack[:] = [frame for frame in summary.stack if frame.filename != OWN_FILE]
        without_ours(summary.__cause__)
        without_ours(summary.__context__)
    return summary


def text_of(error):
    try:
        return str(error)
    except Exception:
        return "<exception str() failed>"


def place(error, trace, name):
    """Returns the line and column of the innermost place in the cell, from 1."""
    if isinstance(error, SyntaxError) and error.filename == name:
        return error.lineno or 0, error.offset or 0
    line = column = 0
    for frame in traceback.extract_tb(trace):
        if frame.filename == name:
            line, column = frame.lineno or 0, 0
            if frame.colno is not None:
                source = linecache.getline(name, line).encode()
                column = len(source[:frame.colno].decode("utf-8", "replace")) + 1
    return line, column


def warm():
    """Does what a kernel does slowly at first."""
    namespace = {"__name__": "__main__"}
    for code in "x = 1\nx + 1", "'a'", "def f(): return 1 / 0\nf()", "print(", "display;", "[1, 2];":
        for _ in range(3):
            attempt(code, "<cell 0>", namespace)
    linecache.clearcache()
    del builtins._

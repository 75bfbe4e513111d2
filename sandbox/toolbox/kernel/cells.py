# Runs cells of code that keep their variables. Requests come on standard input,
# one line of JSON each; messages go out behind the mark in the midst of what the
# cells print. It needs nothing but the three standard streams.
import ast
import json
import linecache
import os
import sys
import traceback

MARK = sys.argv[1]


def private_input():
    """Standard input for requests alone: cells and their children get an empty one."""
    try:
        requests = os.fdopen(os.dup(0), "rb")
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
        return requests
    except (OSError, AttributeError):
        import io

        requests = sys.stdin.buffer
        sys.stdin = io.TextIOWrapper(io.BytesIO())
        return requests


class Interrupts:
    """Lets an interrupt end a cell, and nothing else, where there are signals."""

    running = False

    def __init__(self):
        try:
            import signal

            signal.signal(signal.SIGINT, self.handle)
        except (ImportError, AttributeError, OSError, ValueError):
            pass

    def handle(self, *_):
        if self.running:
            self.running = False
            raise KeyboardInterrupt


class Cells:
    def __init__(self):
        import types

        self.module = types.ModuleType("__main__")
        sys.modules["__main__"] = self.module
        self.names = self.module.__dict__
        self.count = 0
        self.loop = None

    def run(self, code):
        self.count += 1
        name = "<cell %d>" % self.count
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        tree = ast.parse(code, name)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        self.execute(tree, name, "exec")
        if last is not None:
            value = self.execute(last, name, "eval")
            sys.displayhook(value)

    def execute(self, tree, name, mode):
        code = compile(tree, name, mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, self.names)
        if code.co_flags & 0x80:  # a coroutine: the cell awaits something
            import asyncio

            if self.loop is None:
                self.loop = asyncio.new_event_loop()
                asyncio.set_event_loop(self.loop)
            result = self.loop.run_until_complete(result)
        return result


def report(error):
    trace = error.__traceback__
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<cell "):
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace))
    send("error", name=type(error).__name__, value=str(error), traceback=text)


def run_cell(cells, interrupts, request):
    before = {}
    for key, value in (request.get("envs") or {}).items():
        before[key] = os.environ.get(key)
        os.environ[key] = value
    try:
        interrupts.running = True
        cells.run(request["code"])
        interrupts.running = False
    except SystemExit as stop:
        if stop.code not in (None, 0):
            report(stop)
    except BaseException as error:
        report(error)
    finally:
        interrupts.running = False
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def flush(stream):
    try:
        stream.flush()
    except Exception:
        pass  # the cell may have closed it


def main():
    requests = private_input()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True, write_through=False)
    if "" not in sys.path:
        sys.path.insert(0, "")
    sys.argv = [""]
    interrupts = Interrupts()
    sys.meta_path.insert(0, PlotHook(emit_chart))
    cells = Cells()
    while True:
        line = requests.readline()
        if not line:
            return
        run_cell(cells, interrupts, json.loads(line))
        flush(sys.stderr)
        end = (MARK + '{"type":"end"}\n').encode()
        while end:
            end = end[os.write(2, end):]
        send("end")


main()

# Runs a program that comes on standard input behind a line with the mark.
import sys


def read():
    global MARK
    mark, _, code = sys.stdin.buffer.read().partition(b"\n")
    MARK = mark.decode()
    return code


def report(kind, error, trace):
    """Prints an error as Python does, without this file's own part of it."""
    import traceback

    while trace is not None and trace.tb_frame.f_code.co_filename == "<string>":
        trace = trace.tb_next
    traceback.print_exception(kind, error, trace)


def main():
    import types

    code = read()
    name = "<code>"
    sys.excepthook = report
    sys.meta_path.insert(0, PlotHook(emit_chart))
    sys.argv[0] = name
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    try:
        text = code.decode()
    except UnicodeDecodeError:
        text = ""
    import linecache

    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile(code, name, "exec"), module.__dict__)


main()

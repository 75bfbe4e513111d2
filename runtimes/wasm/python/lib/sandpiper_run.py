"""Runs a program as `python main.py` would, inside Sandpiper.

The interpreter starts this file with the program's path and its arguments. It
prepares what differs between WebAssembly and other systems, and then becomes
the program: same __main__, same sys.argv, and tracebacks that begin in it.
"""

import os
import sys
import time


class PatchedAsyncio:
    """Lets asyncio work without sockets.

    An event loop makes a pair of sockets so that signals and threads can wake
    it. There are none of either here, so the loop does without. The patch waits
    in sys.meta_path until a program imports asyncio, which few do.
    """

    TARGET = "asyncio.selector_events"

    def find_spec(self, name, path=None, target=None):
        if name != self.TARGET:
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            for method in "_make_self_pipe", "_close_self_pipe", "_write_to_self":
                setattr(module.BaseSelectorEventLoop, method, lambda self: None)

        spec.loader = type("Loader", (), {
            "create_module": staticmethod(spec.loader.create_module),
            "exec_module": staticmethod(exec_module),
        })()
        return spec


ticks = time.process_time_ns
first_tick = 0  # an image begins with the clock of the interpreter that made it


def repair_process_time():
    """The C library counts nanoseconds since the start but says they are ticks."""

    def process_time_ns():
        return (ticks() - first_tick) // 10_000_000

    def process_time():
        return process_time_ns() / 1e9

    time.process_time_ns = process_time_ns
    time.process_time = process_time


def repair():
    """Mends what differs from other systems, and hides the library's folder."""
    sys.stdout.reconfigure(line_buffering=True)
    repair_process_time()
    sys.meta_path.insert(0, PatchedAsyncio())
    _, _, own = os.environ.pop("PYTHONPATH").partition(":")
    if own:
        os.environ["PYTHONPATH"] = own


def prepare(path):
    repair()
    sys.path[0] = "/" + path.rpartition("/")[0]
    del sys.argv[0]


def report(error, traceback):
    """Shows an error as the interpreter would, and ends with its exit code."""
    sys.excepthook(type(error), error.with_traceback(traceback), traceback)
    raise SystemExit(1) from None


def run_main(path, source=None):
    """Becomes the program in a file below the root. source is what the file holds."""
    main = type(sys)("__main__")
    main.__file__ = "/" + path
    main.__builtins__ = __builtins__
    sys.modules["__main__"] = main
    try:
        if source is None:
            with open(path, "rb") as file:
                source = file.read()
        code = compile(source, path, "exec", dont_inherit=True)
    except Exception as error:
        report(error, None)
    try:
        exec(code, main.__dict__)
    except Exception as error:
        report(error, error.__traceback__.tb_next)


if __name__ == "__main__":
    prepare(sys.argv[1])
    run_main(sys.argv[0])

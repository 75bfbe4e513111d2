"""Is the command `python`: it starts what its command line says, in its folder.

The engine starts this file with the working folder, what kind of program there
is, which one, and the program's arguments. The interpreter's own options have
been seen to already.
"""

import os
import sys

import sandpiper_run as start


def fresh_main(file=None):
    """Puts an empty __main__ in place of this module."""
    main = type(sys)("__main__")
    main.__builtins__ = __builtins__
    if file is not None:
        main.__file__ = file
    sys.modules["__main__"] = main
    return main


def execute(main, source, name, interact):
    """Runs a program's text; what it raises is shown without our own frames."""
    try:
        code = compile(source, name, "exec", dont_inherit=True)
    except Exception as error:
        start.report(error, None)
    try:
        exec(code, main.__dict__)
    except Exception as error:
        if not interact:
            start.report(error, error.__traceback__.tb_next)
        sys.excepthook(type(error), error, error.__traceback__.tb_next)
    if interact:
        prompt(main, "")


def prompt(main, banner=None):
    """Reads statements from the terminal until its end."""
    import code

    sys.ps1, sys.ps2 = ">>> ", "... "
    if banner is None:
        banner = f"Python {sys.version} on wasm\nType \"help\" or \"copyright\" for more information."
    code.InteractiveConsole(main.__dict__, "<stdin>").interact(banner, exitmsg="")


def run_file(path, interact):
    path = os.path.abspath(path)
    if os.path.isdir(path):
        import runpy

        fresh_main()
        sys.path.pop(0)
        make_room(path)
        runpy.run_path(path, run_name="__main__")
        return
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        sys.stderr.write(f"python: can't open file {path!r}: [Errno {error.errno}] {error.strerror}\n")
        raise SystemExit(2) from None
    sys.path[0] = os.path.dirname(os.path.realpath(path))
    make_room(sys.path[0])
    execute(fresh_main(path), source, path, interact)


def run_module(name):
    import runpy

    fresh_main()
    sys.argv[0] = "-m"
    sys.path[0] = os.getcwd()
    runpy._run_module_as_main(name)


def make_room(folder):
    """Is called with the first folder of the search path before the program
    imports anything. An image has something to do then."""


def run(directory, kind, value, *arguments):
    sys.executable = sys._base_executable = "/usr/bin/python3"
    os.chdir(directory)
    sys.path[0] = ""
    sys.argv[:] = [{"file": value, "code": "-c"}.get(kind, value), *arguments]
    kind, _, interact = kind.partition("+")
    if kind != "file":
        make_room(directory)
    match kind:
        case "file":
            run_file(value, interact)
        case "code":
            execute(fresh_main(), value, "<string>", interact)
        case "module":
            run_module(value)
        case "stdin":
            execute(fresh_main(), sys.stdin.buffer.read(), "<stdin>", False)
        case "prompt":
            prompt(fresh_main())
        case "version":
            print("Python", sys.version.split()[0])


if __name__ == "__main__":
    start.repair()
    run(*sys.argv[1:])

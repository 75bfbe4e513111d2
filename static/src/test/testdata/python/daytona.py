"""The parts of the package daytona that the playground's code uses, by its reference.

A call that does not fit the signature is an error; the others are printed, one a line.
"""

import functools
import inspect
from types import SimpleNamespace


def documented(call):
    """Checks the arguments of a call, by number, name and type, and prints it."""
    signature = inspect.signature(call)

    @functools.wraps(call)
    def checked(*given, **named):
        bound = signature.bind(*given, **named)
        for name, value in bound.arguments.items():
            want = signature.parameters[name].annotation
            if want is not inspect.Parameter.empty and (not isinstance(value, want) or want is int and isinstance(value, bool)):
                raise TypeError(f"{call.__qualname__}: {name} is {value!r}, want {want}")
        print("called", call.__qualname__)
        return call(*given, **named)

    return checked


class Record:
    """A class of the reference that only keeps what it is made with."""

    fields = {}

    def __init__(self, **given):
        for name, value in given.items():
            if not isinstance(value, self.fields[name]):
                raise TypeError(f"{type(self).__name__}: {name} is {value!r}")
        self.__dict__.update(given)


class DaytonaConfig(Record):
    fields = {"api_url": str, "api_key": str}


class Resources(Record):
    fields = {"cpu": int, "memory": int, "disk": int}


base = {"language": str, "auto_stop_interval": int, "auto_archive_interval": int, "auto_delete_interval": int}


class CreateSandboxFromSnapshotParams(Record):
    fields = base | {"snapshot": str}


class CreateSandboxFromImageParams(Record):
    fields = base | {"image": str, "resources": Resources}


class SessionExecuteRequest(Record):
    fields = {"command": str, "run_async": bool}


class ScreenshotRegion(Record):
    fields = {"x": int, "y": int, "width": int, "height": int}


class ScreenshotOptions(Record):
    fields = {"show_cursor": bool, "fmt": str, "quality": int, "scale": (int, float)}


class FileSystem:
    @documented
    def create_folder(self, path: str, mode: str): ...

    @documented
    def upload_file(self, src: (bytes, str), dst: str, timeout: int = 1800): ...

    @documented
    def list_files(self, path: str):
        return [SimpleNamespace(name="hello.txt", size=1)]

    @documented
    def download_file(self, path: str):
        return b"Hello\n"

    @documented
    def delete_file(self, path: str, recursive: bool = False): ...


class Git:
    @documented
    def clone(self, url: str, path: str): ...

    @documented
    def status(self, path: str): ...

    @documented
    def branches(self, path: str): ...


class Process:
    @documented
    def code_run(self, code: str):
        return SimpleNamespace(result="42")

    @documented
    def exec(self, command: str):
        return SimpleNamespace(result="42")

    @documented
    def create_session(self, session_id: str): ...

    @documented
    def execute_session_command(self, session_id: str, req: SessionExecuteRequest):
        return SimpleNamespace(cmd_id="1")

    @documented
    def get_session_command_logs(self, session_id: str, command_id: str):
        return SimpleNamespace(output="line")

    @documented
    def delete_session(self, session_id: str): ...


picture = SimpleNamespace(screenshot="aGk=")


class Mouse:
    @documented
    def get_position(self): ...

    @documented
    def move(self, x: int, y: int): ...

    @documented
    def click(self, x: int, y: int, button: str = "left", double: bool = False): ...

    @documented
    def drag(self, start_x: int, start_y: int, end_x: int, end_y: int, button: str = "left"): ...

    @documented
    def scroll(self, x: int, y: int, direction: str, amount: int = 1): ...


class Keyboard:
    @documented
    def type(self, text: str, delay: int = 0): ...

    @documented
    def press(self, key: str, modifiers: list = ()): ...

    @documented
    def hotkey(self, keys: str): ...


class Screenshot:
    @documented
    def take_full_screen(self, show_cursor: bool = False):
        return picture

    @documented
    def take_region(self, region: ScreenshotRegion, show_cursor: bool = False):
        return picture

    @documented
    def take_compressed(self, options: ScreenshotOptions = None):
        return picture


class Display:
    @documented
    def get_info(self): ...

    @documented
    def get_windows(self): ...


class ComputerUse:
    def __init__(self):
        self.mouse, self.keyboard, self.screenshot, self.display = Mouse(), Keyboard(), Screenshot(), Display()

    @documented
    def start(self): ...


class Sandbox:
    def __init__(self):
        self.fs, self.git, self.process, self.computer_use = FileSystem(), Git(), Process(), ComputerUse()

    @documented
    def delete(self): ...


class Daytona:
    @documented
    def __init__(self, config: DaytonaConfig): ...

    @documented
    def create(self, params: (CreateSandboxFromSnapshotParams, CreateSandboxFromImageParams)):
        return Sandbox()

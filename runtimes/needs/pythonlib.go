package needs

import "strings"

// pythonModules are modules of the standard library that show a need, and
// those that the WebAssembly Python does not have.
var pythonModules = map[string]Kind{
	"subprocess": Processes, "multiprocessing": Processes, "pty": Processes, "venv": Processes, "ensurepip": Processes,

	"socket": Network, "socketserver": Network, "ssl": Network, "ftplib": Network, "poplib": Network, "imaplib": Network, "smtplib": Network,
	"telnetlib": Network, "nntplib": Network, "urllib.request": Network, "http.client": Network, "http.server": Network,
	"xmlrpc.client": Network, "xmlrpc.server": Network, "wsgiref.simple_server": Network, "webbrowser": Network,

	"ctypes": Package, "curses": Package, "dbm": Package, "fcntl": Package, "grp": Package, "idlelib": Package, "lzma": Package, "mmap": Package,
	"nis": Package, "pwd": Package, "readline": Package, "resource": Package, "shelve": Package, "syslog": Package, "termios": Package, "tkinter": Package,
	"tty": Package, "turtle": Package,
}

// pythonNames are names whose use shows a need of a program whose imports do not.
var pythonNames = map[string]Kind{
	"os.system": Processes, "os.popen": Processes, "os.fork": Processes, "os.forkpty": Processes, "os.posix_spawn": Processes,
	"os.execv": Processes, "os.execve": Processes, "os.execvp": Processes, "os.execl": Processes, "os.execlp": Processes,
	"os.spawnv": Processes, "os.spawnl": Processes, "os.spawnvp": Processes, "os.spawnlp": Processes,
	"asyncio.create_subprocess_exec": Processes, "asyncio.create_subprocess_shell": Processes,
	"concurrent.futures.ProcessPoolExecutor": Processes,

	"asyncio.open_connection": Network, "asyncio.start_server": Network, "asyncio.open_unix_connection": Network, "asyncio.start_unix_server": Network,

	"threading.Thread": Threads, "threading.Timer": Threads, "_thread.start_new_thread": Threads,
	"concurrent.futures.ThreadPoolExecutor": Threads, "asyncio.to_thread": Threads,
}

// pythonLibrary is the standard library of CPython 3.12, and what the runtimes
// bring along.
var pythonLibrary = set(`
	__future__ __main__ abc aifc antigravity argparse array ast asyncio atexit audioop base64 bdb binascii bisect builtins bz2 cProfile
	calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys compileall concurrent configparser contextlib contextvars
	copy copyreg crypt csv dataclasses datetime decimal difflib dis doctest email encodings enum errno faulthandler filecmp fileinput
	fnmatch fractions functools gc genericpath getopt getpass gettext glob graphlib gzip hashlib heapq hmac html http imghdr importlib
	inspect io ipaddress itertools json keyword lib2to3 linecache locale logging mailbox mailcap marshal math mimetypes modulefinder
	msilib msvcrt netrc nt ntpath nturl2path numbers opcode operator optparse os ossaudiodev pathlib pdb pickle pickletools pipes pkgutil
	platform plistlib posix posixpath pprint profile pstats py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re reprlib
	rlcompleter runpy sandpiper sched secrets select selectors shlex shutil signal site sndhdr spwd sqlite3 sre_compile sre_constants
	sre_parse stat statistics string stringprep struct sunau symtable sys sysconfig tabnanny tarfile tempfile textwrap this threading
	time timeit token tokenize tomllib trace traceback tracemalloc types typing unicodedata unittest urllib uu uuid warnings wave weakref
	winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo`)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

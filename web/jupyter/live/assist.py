import builtins, json, keyword, re, sys

request = json.loads(request)
code = request["code"]
cursor = min(max(request["cursor_pos"], 0), len(code))
scope = {**vars(builtins), **names}
dotted = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"


def value(path):
    """The object that a dotted path means. Raises when there is none."""
    first, *rest = path.split(".")
    it = scope[first]
    for name in rest:
        it = getattr(it, name)
    return it


def complete():
    before = re.search(r"(?:(%s)\.)?(\w*)$" % dotted, code[:cursor])
    path, start = before.group(1), before.group(2)
    if path:
        found = [path + "." + name for name in dir(value(path))]
        typed = path + "." + start
    elif before.start() and code[before.start() - 1] == ".":
        found, typed = [], start  # of something that is no name
    else:
        found, typed = [*scope, *keyword.kwlist, *keyword.softkwlist], start
    hidden = start.startswith("_")
    found = sorted({f for f in found if f.startswith(typed) and (hidden or not f.split(".")[-1].startswith("_"))})
    return {"matches": found[:500], "cursor_start": cursor - len(typed), "cursor_end": cursor}


def inspected():
    import inspect

    for name in re.finditer(dotted, code):
        if name.start() <= cursor <= name.end():
            break
    else:
        return {"found": False}
    it = value(name.group())
    lines = [f"Type: {type(it).__name__}"]
    if callable(it):
        try:
            lines.insert(0, f"{name.group()}{inspect.signature(it)}")
        except (TypeError, ValueError):
            pass
    else:
        lines.insert(0, repr(it)[:1000])
    doc = inspect.getdoc(it)
    if doc:
        lines += ["", doc[:20000]]
    return {"found": True, "data": {"text/plain": "\n".join(lines)}}


def is_complete():
    import codeop

    try:
        whole = codeop.compile_command(code, symbol="exec")
    except (SyntaxError, ValueError, OverflowError):
        return {"status": "invalid"}
    if whole is not None and not re.search(r"\n[ \t]+\S[^\n]*$", code):
        return {"status": "complete"}
    last = code.rstrip("\n").rpartition("\n")[2]
    indent = re.match(r"[ \t]*", last).group()
    return {"status": "incomplete", "indent": indent + ("    " if last.rstrip().endswith(":") else "")}


answers = {"complete_request": complete, "inspect_request": inspected, "is_complete_request": is_complete}
try:
    answer = answers[request["type"]]()
except Exception:
    answer = {}
json.dump(answer, sys.__stdout__)
sys.__stdout__.flush()

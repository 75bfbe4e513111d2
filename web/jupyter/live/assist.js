// Looks at the names of the cells. The host calls this function with a request;
// it prints the content of the reply. No getter of the user's is called.
(function (request) {
  const word = "[\\p{L}_$][\\p{L}\\p{N}_$]*";
  const code = request.code;
  const cursor = Math.min(Math.max(request.cursor_pos, 0), [...code].length); // in characters, as the protocol has it
  const before = [...code].slice(0, cursor).join("");
  const keywords = "async await break case catch class const continue debugger default delete do else export extends false finally for function if import in instanceof let new null of return static super switch this throw true try typeof undefined var void while with yield".split(" ");

  function property(object, name) {
    for (let o = Object(object); o; o = Object.getPrototypeOf(o)) {
      const found = Object.getOwnPropertyDescriptor(o, name);
      if (found) return found.value;
    }
  }

  /** What a dotted path means; undefined when nothing. */
  function valueOf(path) {
    const [first, ...rest] = path.split(/\??\./);
    let it = globalThis[first];
    for (const name of rest) {
      if (it === null || it === undefined) return undefined;
      it = property(it, name);
    }
    return it;
  }

  function namesOf(object) {
    const all = new Set();
    for (let o = Object(object); o; o = Object.getPrototypeOf(o)) {
      for (const name of Object.getOwnPropertyNames(o)) all.add(name);
    }
    const whole = new RegExp(`^${word}$`, "u");
    return [...all].filter((name) => whole.test(name));
  }

  function complete() {
    const [, path, dot, typed] = new RegExp(`(?:(${word}(?:\\??\\.${word})*)(\\??\\.))?([\\p{L}\\p{N}_$]*)$`, "u").exec(before);
    let names = [];
    if (path) {
      const it = valueOf(path);
      if (it !== null && it !== undefined) names = namesOf(it);
    } else if (!before.slice(0, before.length - typed.length).endsWith(".")) {
      names = [...namesOf(globalThis), ...keywords];
    }
    const hidden = typed.startsWith("_");
    const found = names.filter((name) => name.startsWith(typed) && (hidden || !name.startsWith("_")));
    const whole = path ? path + dot : "";
    return {
      matches: [...new Set(found)].sort().slice(0, 500).map((name) => whole + name),
      cursor_start: cursor - [...whole, ...typed].length,
      cursor_end: cursor,
    };
  }

  function inspect() {
    const at = [...code].slice(0, cursor).join("").length;
    for (const found of code.matchAll(new RegExp(`${word}(?:\\??\\.${word})*`, "gu"))) {
      if (found.index > at || at > found.index + found[0].length) continue;
      const it = valueOf(found[0]);
      if (it === undefined) break;
      const lines = [];
      if (typeof it === "function") {
        const source = Function.prototype.toString.call(it);
        lines.push(source.includes("[native code]") ? `${found[0]}(${Array.from({ length: it.length }, (_, i) => `arg${i + 1}`).join(", ")})` : source.slice(0, 5000));
      } else {
        lines.push(require("util").inspect(it).slice(0, 5000));
      }
      lines.push(`Type: ${it === null ? "null" : typeof it === "object" ? (Object.prototype.toString.call(it).slice(8, -1)) : typeof it}`);
      return { found: true, data: { "text/plain": lines.join("\n\n") } };
    }
    return { found: false };
  }

  /** How deep brackets are open at the end (-1 for one too many, Infinity inside a comment or a template), and the last two characters that mean something. */
  function end() {
    const open = []; // brackets, and "`" for a template whose ${ is open
    let tail = ""; // quotes stand for what is quoted
    for (let i = 0; i < code.length; i++) {
      const c = code[i];
      const rest = code.slice(i);
      let skip;
      if ((skip = /^\/\/[^\n]*/.exec(rest))) i += skip[0].length - 1;
      else if (rest.startsWith("/*")) {
        const end = code.indexOf("*/", i + 2);
        if (end < 0) return { depth: Infinity, tail };
        i = end + 1;
      } else if ((skip = /^(?:"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*')/.exec(rest))) {
        i += skip[0].length - 1;
        tail = '""';
      } else if (c === "/" && /^$|[(,=:[!&|?{};+\-*%<>~^]$/.test(tail) && (skip = /^\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//.exec(rest))) {
        i += skip[0].length - 1;
        tail = '""';
      } else if (c === "`" || (c === "}" && open.at(-1) === "`")) {
        if (c === "}") open.pop();
        for (i++; i < code.length && code[i] !== "`" && !code.startsWith("${", i); i++) if (code[i] === "\\") i++;
        if (i >= code.length) return { depth: Infinity, tail };
        if (code[i] === "$") {
          open.push("`");
          i++;
        }
        tail = '""';
      } else {
        if ("([{".includes(c)) open.push(c);
        if (")]}".includes(c) && open.pop() !== "([{"[")]}".indexOf(c)]) return { depth: -1, tail };
        if (c.trim() !== "") tail = (tail + c).slice(-2);
      }
    }
    return { depth: open.length, tail };
  }

  function isComplete() {
    const { depth, tail } = end();
    const indent = "  ".repeat(Number.isFinite(depth) ? Math.max(depth, 0) : 0);
    if (depth > 0 || (/[-+*/%=&|,<?:.^~]$|=>$/.test(tail) && !/^(?:\+\+|--)$/.test(tail))) return { status: "incomplete", indent };
    if (depth < 0) return { status: "invalid" };
    try {
      new (Object.getPrototypeOf(async function () {}).constructor)(code);
      return { status: "complete" };
    } catch {
      return { status: "unknown" }; // it may be TypeScript, or have imports
    }
  }

  let answer = {};
  try {
    answer = { complete_request: complete, inspect_request: inspect, is_complete_request: isComplete }[request.type]();
  } catch {}
  process.stdout.write(JSON.stringify(answer));
})

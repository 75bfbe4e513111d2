// path, in its POSIX form.

const cwd = () => require("internal/state").settings.cwd;

function check(value, name) {
  if (typeof value !== "string") {
    throw require("internal/errors").wrongType(name, "of type string", value);
  }
}

// clean resolves . and .. in the segments of a path.
function clean(path, absolute) {
  const kept = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") {
      continue;
    }
    if (segment !== "..") {
      kept.push(segment);
    } else if (kept.length > 0 && kept.at(-1) !== "..") {
      kept.pop();
    } else if (!absolute) {
      kept.push("..");
    }
  }
  return kept.join("/");
}

const path = {
  sep: "/",
  delimiter: ":",
  normalize(p) {
    check(p, "path");
    if (p === "") {
      return ".";
    }
    const absolute = p.startsWith("/");
    let result = clean(p, absolute);
    if (result === "" && !absolute) {
      result = ".";
    }
    if (result !== "" && p.endsWith("/")) {
      result += "/";
    }
    return absolute ? `/${result}` : result;
  },
  join(...parts) {
    parts.forEach((p) => check(p, "path"));
    const joined = parts.filter((p) => p !== "").join("/");
    return joined === "" ? "." : path.normalize(joined);
  },
  resolve(...parts) {
    let result = "";
    for (let i = parts.length - 1; i >= -1 && !result.startsWith("/"); i--) {
      const p = i >= 0 ? parts[i] : cwd();
      check(p, "path");
      result = result === "" ? p : p === "" ? result : `${p}/${result}`;
    }
    return `/${clean(result, true)}`;
  },
  isAbsolute(p) {
    check(p, "path");
    return p.startsWith("/");
  },
  relative(from, to) {
    const a = path.resolve(from).split("/").filter(Boolean);
    const b = path.resolve(to).split("/").filter(Boolean);
    let same = 0;
    while (same < a.length && same < b.length && a[same] === b[same]) {
      same++;
    }
    return [...a.slice(same).map(() => ".."), ...b.slice(same)].join("/");
  },
  dirname(p) {
    check(p, "path");
    const trimmed = p.replace(/\/+$/, "");
    if (trimmed === "") {
      return p.startsWith("/") ? "/" : ".";
    }
    const at = trimmed.lastIndexOf("/");
    return at < 0 ? "." : trimmed.slice(0, at).replace(/\/+$/, "") || "/";
  },
  basename(p, suffix) {
    check(p, "path");
    const base = p.replace(/\/+$/, "").split("/").at(-1);
    return suffix !== undefined && base !== suffix && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base;
  },
  extname(p) {
    check(p, "path");
    const base = path.basename(p);
    const at = base.lastIndexOf(".");
    return at <= 0 || /^\.+$/.test(base) && base.length === 2 ? "" : base.slice(at);
  },
  parse(p) {
    check(p, "path");
    const root = p.startsWith("/") ? "/" : "";
    const base = path.basename(p);
    const ext = path.extname(p);
    const dir = p.includes("/") ? path.dirname(p) : "";
    return { root, dir: dir === "." && !p.startsWith(".") ? "" : dir, base, ext, name: ext === "" ? base : base.slice(0, -ext.length) };
  },
  format(parts) {
    const dir = parts.dir || parts.root || "";
    const ext = parts.ext ? (parts.ext.startsWith(".") ? parts.ext : `.${parts.ext}`) : "";
    const base = parts.base || `${parts.name ?? ""}${ext}`;
    return dir === "" ? base : dir === parts.root ? dir + base : `${dir}/${base}`;
  },
  toNamespacedPath: (p) => p,
};
path.posix = path;

module.exports = path;

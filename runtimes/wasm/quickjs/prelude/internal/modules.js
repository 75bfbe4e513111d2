// CommonJS: require, module and exports over the host's files.

const { resolve, kind, script, source, namespace } = host;
const state = require("internal/state");
const cache = { __proto__: null }; // by path, as require.cache
const builtin = (name) => require(name.slice(5));
const isBuiltin = (name) => name.startsWith("node:");

const pathOf = (name) => (name.startsWith("/") ? name : `${state.settings.cwd}${state.settings.cwd.endsWith("/") ? "" : "/"}${name}`);
const folderOf = (path) => path.slice(0, path.lastIndexOf("/")) || "/";

class Module {
  constructor(name) {
    const path = pathOf(name);
    this.id = path;
    this.path = folderOf(path);
    this.exports = {};
    this.filename = path;
    this.loaded = false;
    this.children = [];
    this.paths = [];
  }

  require(specifier) {
    return requireFrom(this, specifier);
  }
}

function requireFrom(module, specifier) {
  if (typeof specifier !== "string" || specifier === "") {
    throw require("internal/errors").wrongType("id", "a non-empty string", specifier);
  }
  return load(resolve(specifier, module.name ?? module.filename));
}

// load returns the exports of a module by the name that the host resolved.
function load(name) {
  if (isBuiltin(name)) {
    return builtin(name);
  }
  const path = pathOf(name);
  if (cache[path] !== undefined) {
    return cache[path].exports;
  }
  switch (kind(name)) {
    case "module":
      return loadModule(name);
    case "json":
      return (cache[path] = loadJSON(name, path)).exports;
  }
  const module = new Module(name);
  cache[path] = module;
  try {
    run(module, name, script(name));
  } catch (error) {
    delete cache[path];
    throw error;
  }
  module.loaded = true;
  return module.exports;
}

function loadModule(name) {
  const exported = namespace(name);
  delete globalThis.__sandpiper_namespace;
  if (exported === false) {
    const error = new Error(`require() cannot load ${name}: it is an ES module with await at its top level; use import()`);
    error.code = "ERR_REQUIRE_ASYNC_MODULE";
    throw error;
  }
  return exported;
}

function loadJSON(name, path) {
  const module = new Module(name);
  try {
    module.exports = JSON.parse(source(name));
  } catch (error) {
    error.message = `${path}: ${error.message}`;
    throw error;
  }
  module.loaded = true;
  return module;
}

function requireOf(module) {
  const result = (specifier) => requireFrom(module, specifier);
  result.resolve = (specifier) => {
    const name = resolve(specifier, module.filename);
    return isBuiltin(name) ? specifier : pathOf(name);
  };
  result.cache = cache;
  result.main = main;
  return result;
}

function run(module, name, body) {
  return body.call(module.exports, module.exports, requireOf(module), module, module.filename, module.path);
}

let main;

// runMain runs the main script and returns the promise of its end if it has one.
exports.runMain = function (body, name) {
  main = new Module(name);
  main.id = ".";
  cache[main.filename] = main;
  const result = run(main, name, body);
  main.loaded = true;
  return result;
};

exports.load = load;
exports.requireFor = (path) => requireOf(new Module(path));

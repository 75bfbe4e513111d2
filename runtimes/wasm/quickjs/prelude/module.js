// module: createRequire, for ES modules that want require.

const { requireFor } = require("internal/modules");

function createRequire(file) {
  const path = typeof file === "object" || `${file}`.startsWith("file:") ? require("url").fileURLToPath(file) : file;
  return requireFor(path);
}

module.exports = {
  createRequire,
  isBuiltin: (name) => process.getBuiltinModule(name) !== undefined,
};

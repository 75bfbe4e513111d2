// Runs a TypeScript program that comes on standard input.
const path = require('path'), Module = require('module'), vm = require('vm');

function needsAsync(code) {
  try {
    new vm.Script(Module.wrap(code));
  } catch (error) {
    return error instanceof SyntaxError && /\bawait\b/.test(error.message + error.stack);
  }
  return false;
}

function main() {
  let code;
  try {
    code = toJavaScript(require('fs').readFileSync(0, 'utf8'));
  } catch (error) {
    process.stderr.write(`${error.name}: ${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  if (needsAsync(code)) {
    code = `(async () => {${code}\n})();`;
  }
  const file = path.join(process.cwd(), '[code].ts');
  const program = new Module(file, null);
  program.filename = file;
  program.paths = Module._nodeModulePaths(process.cwd());
  process.mainModule = require.main = program;
  process.argv.splice(1, 0, file);
  program._compile(code, file);
}

main();

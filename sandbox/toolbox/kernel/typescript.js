// Turns TypeScript into JavaScript with whatever this machine has for that.
function findTypeScript() {
  const fs = require('fs'), path = require('path'), { createRequire } = require('module');
  const places = [process.cwd(), path.join(path.dirname(process.execPath), '..', 'lib'), '/usr/local/lib', '/usr/lib', '/usr/share/nodejs'];
  for (const folder of (process.env.PATH || '').split(':')) {
    for (const program of ['tsc', 'ts-node']) {
      try {
        places.push(path.dirname(fs.realpathSync(path.join(folder, program))));
      } catch {}
    }
  }
  for (const place of places) {
    try {
      return createRequire(path.join(place, 'x.js'))('typescript');
    } catch {}
  }
  return null;
}

let compiler;

function toJavaScript(code) {
  compiler ??= findTypeScript() ?? require('module').stripTypeScriptTypes;
  if (!compiler) {
    throw new Error('there is no TypeScript here: install the package typescript, or Node.js 22.13 or newer');
  }
  if (typeof compiler === 'function') {
    const warn = process.emitWarning;
    process.emitWarning = () => {}; // that it is experimental
    try {
      return compiler(code, { mode: 'transform' });
    } finally {
      process.emitWarning = warn;
    }
  }
  const { ModuleKind, ScriptTarget, flattenDiagnosticMessageText } = compiler;
  const out = compiler.transpileModule(code, {
    reportDiagnostics: true,
    compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true, experimentalDecorators: true },
  });
  const wrong = (out.diagnostics || []).find((d) => d.code < 2000 && d.category === 1);
  if (wrong) {
    const line = code.slice(0, wrong.start).split('\n').length;
    throw new SyntaxError(`line ${line}: ${flattenDiagnosticMessageText(wrong.messageText, '\n')}`);
  }
  return out.outputText.replace(/^Object\.defineProperty\(exports, "__esModule", \{ value: true \}\);\n/m, '');
}

// Makes JavaScript of the TypeScript files that are its arguments, beside them,
// and reports syntax errors as tsc does. Types are not checked. The files become
// modules when one awaits at its top level, and scripts otherwise, in which
// imports need no extensions.
const fs = require('fs');
const path = require('path');
const ts = require('/usr/local/lib/node_modules/typescript');

// awaitsAtTop reports whether a node awaits outside functions.
function awaitsAtTop(node) {
  if (ts.isFunctionLike(node) || ts.isClassLike(node)) return false;
  return ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && !!node.awaitModifier) || !!ts.forEachChild(node, awaitsAtTop);
}

const sources = process.argv.slice(1).map((name) => ({ name, text: fs.readFileSync(name, 'utf8') }));
const given = fs.existsSync('package.json');
let isModule = given && JSON.parse(fs.readFileSync('package.json', 'utf8')).type === 'module';
if (!given && sources.some((s) => awaitsAtTop(ts.createSourceFile(s.name, s.text, ts.ScriptTarget.ES2022)))) {
  isModule = true;
  fs.writeFileSync('package.json', '{"type":"module"}');
}
let failed = false;
for (const { name, text } of sources) {
  const ext = path.extname(name);
  const modern = ext === '.mts' || (ext !== '.cts' && isModule);
  const out = ts.transpileModule(text, {
    fileName: name,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: modern ? ts.ModuleKind.ESNext : ts.ModuleKind.CommonJS,
      jsx: ts.JsxEmit.React,
      esModuleInterop: true,
      experimentalDecorators: true,
      inlineSourceMap: true,
    },
  });
  for (const d of out.diagnostics) {
    const at = d.file.getLineAndCharacterOfPosition(d.start);
    console.error(`${name.replace(/^\.\//, '')}(${at.line + 1},${at.character + 1}): error TS${d.code}: ${ts.flattenDiagnosticMessageText(d.messageText, ' ')}`);
    failed = true;
  }
  const to = name.slice(0, -ext.length) + ({ '.mts': '.mjs', '.cts': '.cjs' }[ext] || '.js');
  fs.writeFileSync(to, out.outputText);
}
process.exit(failed ? 2 : 0);

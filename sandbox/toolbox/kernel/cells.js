// Runs cells of code that keep their variables. Requests come on standard input,
// one line of JSON each; messages go out behind the mark in the midst of what the
// cells print.
const repl = require('repl'), util = require('util'), readline = require('readline');
const { PassThrough, Writable } = require('stream');

const [, mark, language] = process.argv;
process.argv.length = 1;

const late = new Writable({ write: (data, _, done) => process.stderr.write(data, done) });
const server = repl.start({ prompt: '', input: new PassThrough(), output: late, useGlobal: true, terminal: false, breakEvalOnSigint: true });

// The REPL throws errors at its domain, where it has one, instead of answering.
// Those that come after their cell has ended are only printed.
let fail = null;
server._domain?.removeAllListeners('error');
server._domain?.on('error', (error) => (fail ? fail(error) : late.write(`Uncaught ${util.inspect(error)}\n`)));

const send = (message) => new Promise((done) => process.stdout.write(mark + JSON.stringify(message) + '\n', done));

const onInterrupt = () => fail?.(Object.assign(new Error('the cell was interrupted'), { name: 'Interrupted' }));

// Node.js forgets the listener's signal when code ran that it can break off itself.
function arm() {
  process.off('SIGINT', onInterrupt);
  process.on('SIGINT', onInterrupt);
}

arm();

function evaluate(code) {
  return new Promise((resolve, reject) => {
    fail = reject;
    process.off('SIGINT', onInterrupt);
    server.eval(code + '\n', server.context, 'cell', (error, value) => (error ? reject(error) : resolve(value)));
    arm();
  });
}

function describe(error) {
  if (error && error.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') {
    return { type: 'error', name: 'Interrupted', value: 'the cell was interrupted', traceback: '' };
  }
  if (error && error.err instanceof Error) {
    error = error.err; // a cell that seems to go on
  }
  if (!(error && typeof error === 'object' && 'message' in error)) {
    const value = typeof error === 'string' ? error : util.inspect(error);
    return { type: 'error', name: 'Error', value, traceback: `Uncaught ${value}` };
  }
  const lines = String(error.stack || error).split('\n');
  const last = lines.findLastIndex((l) => /\bcell:\d/.test(l)); // what comes after is not the cell's
  const traceback = lines.slice(0, last < 0 ? 1 : last + 1).join('\n');
  return { type: 'error', name: error.name || 'Error', value: String(error.message), traceback };
}

async function run(request) {
  const before = {};
  for (const [key, value] of Object.entries(request.envs || {})) {
    before[key] = process.env[key];
    process.env[key] = value;
  }
  try {
    const value = await evaluate(language === 'typescript' ? toJavaScript(request.code) : request.code);
    if (value !== undefined) {
      console.log(typeof value === 'string' ? util.inspect(value) : value);
    }
  } catch (error) {
    await send(describe(error));
  }
  fail = null;
  for (const [key, value] of Object.entries(before)) {
    if (value === undefined) {
      delete process.env[key];
    } else {
      process.env[key] = value;
    }
  }
  await new Promise((done) => process.stderr.write(mark + '{"type":"end"}\n', done));
  await send({ type: 'end' });
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin, terminal: false })) {
    await run(JSON.parse(line));
  }
  process.exit(0);
})();

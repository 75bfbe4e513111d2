// What the tests with Jupyter's client library share: a connection to the server,
// kernels that end with their test, and a record of what a cell says.

import { after } from "node:test";
import services from "@jupyterlab/services";

const { KernelManager, KernelSpecManager, ServerConnection, SessionManager } = services;

/** The server under test; the Go test that starts it sets these. */
export const url = need("SANDPIPER_JUPYTER_URL");
export const key = need("SANDPIPER_KEY");

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests are started by go test ./e2e`);
  return value;
}

/** How long a test waits for what is quick on an idle machine. */
const patience = 120_000;

/** Settings of a connection, as JupyterLab makes them from a URL and a token. */
export function settings(token = key) {
  return ServerConnection.makeSettings({ baseUrl: url, wsUrl: url.replace(/^http/, "ws"), token, appendToken: true });
}

/** Managers of kernels, sessions and specs that are closed after the file's tests. */
export function managers(serverSettings = settings()) {
  const kernels = new KernelManager({ serverSettings });
  const specs = new KernelSpecManager({ serverSettings });
  const sessions = new SessionManager({ serverSettings, kernelManager: kernels });
  const all = { kernels, specs, sessions };
  after(async () => {
    // A poll that is disposed of leaves its timer, which keeps the process for a minute.
    await Promise.all([kernels._pollModels, sessions._pollModels, specs._pollSpecs].map((poll) => poll.stop()));
    Object.values(all).forEach((m) => m.dispose());
  });
  return all;
}

/** Starts a kernel that ends with the test. */
export async function start(t, kernels, name = "python3") {
  const kernel = await kernels.startNew({ name });
  t.after(async () => {
    if (kernel.status !== "dead") await kernel.shutdown();
    kernel.dispose();
  });
  return kernel;
}

/** Rejects when a promise takes too long. */
export function soon(promise, what = "an answer") {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what} took too long`)), patience)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Resolves when a signal has brought what a test wants. */
export function when(signal, wanted, what = "a signal") {
  let slot;
  const came = new Promise((resolve) => signal.connect((slot = (_, args) => wanted(args) && resolve(args))));
  return soon(came, what).finally(() => signal.disconnect(slot));
}

/**
 * Executes a cell. said collects what comes of it, streams joined; done is its
 * reply. answers are what is typed when the program asks.
 */
export function cell(kernel, code, { answers = [], ...content } = {}) {
  const said = { stdout: "", stderr: "", data: [], updates: [], clears: [], result: undefined, error: undefined, input: undefined, states: [] };
  const future = kernel.requestExecute({ code, allow_stdin: answers.length > 0, ...content });
  let heard;
  said.heard = new Promise((resolve) => (heard = resolve)); // the first output
  future.onIOPub = ({ header, content: it }) => {
    switch (header.msg_type) {
      case "stream": said[it.name] += it.text; heard(); break;
      case "display_data": said.data.push(it.data); said.displayId = it.transient.display_id; break;
      case "update_display_data": said.updates.push([it.transient.display_id, it.data["text/plain"]]); break;
      case "clear_output": said.clears.push(it.wait); break;
      case "execute_result": said.result = it; break;
      case "error": said.error = it; break;
      case "execute_input": said.input = it; break;
      case "status": said.states.push(it.execution_state); break;
    }
  };
  future.onStdin = () => kernel.sendInputReply({ value: answers.shift(), status: "ok" }, future.msg.header);
  said.done = soon(future.done, JSON.stringify(code)).then((m) => m.content);
  return said;
}

/** Executes a cell to its end. */
export async function run(kernel, code, options) {
  const said = cell(kernel, code, options);
  said.reply = await said.done;
  return said;
}

// Steps that run programs.

import { go, python, script, shell } from "../../move/quote";
import { goGet, type Kind, type Step } from "./step";

/** How the shell runs a text as a program. */
const interpreters: Record<Kind, (code: string) => string> = {
  python: (code) => `python3 -u -c ${shell(code)}`,
  javascript: (code) => `node -e ${shell(code)}`,
  // ts-node's own defaults do not go together with newer versions of TypeScript.
  typescript: (code) => `printf %s ${shell(code)} > /tmp/program.ts && TS_NODE_TRANSPILE_ONLY=true TS_NODE_COMPILER_OPTIONS=${shell('{"module":"commonjs","moduleResolution":"node10"}')} ts-node /tmp/program.ts`,
};

/** What the form has at first, by the language of the sandbox. */
export const samples: Record<Kind, string> = {
  python: 'import time\n\nfor n in range(1, 4):\n    print("step", n)\n    time.sleep(0.5)\nprint(6 * 7)',
  javascript: 'let n = 0;\nconst timer = setInterval(() => {\n  console.log("step", ++n);\n  if (n < 3) return;\n  clearInterval(timer);\n  console.log(6 * 7);\n}, 500);',
  typescript: 'const name: string = "step";\nfor (let n = 1; n < 4; n++) {\n  console.log(name, n);\n}\nconsole.log(6 * 7);',
};

const inSession = "playground"; // the session of programs whose output is followed

export const process: Step[] = [
  {
    id: "code", section: "Process", title: "Run code", on: true, fields: [{ name: "code", label: "Code, in the language of the sandbox", value: samples.python, type: "area" }],
    call: (v, kind) => ({ method: "POST", path: "process/code-run", json: { code: v.code, language: kind } }),
    program: (v, kind) => ({ session: inSession, command: interpreters[kind](v.code) }),
    code: (v, kind) => ({
      python: `print(sandbox.process.code_run(${python(v.code)}).result)`,
      typescript: `console.log((await sandbox.process.codeRun(${script(v.code)})).result);`,
      // Not every version of the Go SDK has its CodeRun.
      go: goGet(`sandbox.Process.ExecuteCommand(ctx, ${go(interpreters[kind](v.code))})`, "got.Result"),
      cli: interpreters[kind](v.code),
    }),
  },
  {
    id: "command", section: "Process", title: "Run a shell command", on: true, fields: [{ name: "command", label: "Command", value: "ls -l demo" }],
    call: (v) => ({ method: "POST", path: "process/execute", json: { command: v.command } }),
    program: (v) => ({ session: inSession, command: v.command }),
    code: (v) => ({
      python: `print(sandbox.process.exec(${python(v.command)}).result)`,
      typescript: `console.log((await sandbox.process.executeCommand(${script(v.command)})).result);`,
      go: goGet(`sandbox.Process.ExecuteCommand(ctx, ${go(v.command)})`, "got.Result"),
      cli: v.command,
    }),
  },
  {
    id: "session", section: "Session", title: "Create a session, run a command in it and read its log",
    fields: [
      { name: "session", label: "Name of the session", value: "build" },
      { name: "command", label: "Command", value: "for n in 1 2 3; do echo line $n; sleep 1; done" },
    ],
    call: (v) => ({ method: "POST", path: "process/session", json: { sessionId: v.session } }),
    program: (v) => ({ session: v.session, command: v.command }),
    curl: (v, curl) => {
      const at = `process/session/${encodeURIComponent(v.session)}`;
      return `${curl({ method: "POST", path: "process/session", json: { sessionId: v.session } })}
command=$(${curl({ method: "POST", path: `${at}/exec`, json: { command: v.command } })} | sed 's/.*"cmdId":"\\([^"]*\\)".*/\\1/')
${curl({ method: "GET", path: `${at}/command/` }).replace(/(\S+)$/, '$1"$command"/logs')}
${curl({ method: "DELETE", path: at })}`;
    },
    code: (v) => ({
      pythonNames: ["SessionExecuteRequest"],
      python: `sandbox.process.create_session(${python(v.session)})
done = sandbox.process.execute_session_command(${python(v.session)}, SessionExecuteRequest(command=${python(v.command)}))
print(sandbox.process.get_session_command_logs(${python(v.session)}, done.cmd_id).output)
sandbox.process.delete_session(${python(v.session)})`,
      typescript: `await sandbox.process.createSession(${script(v.session)});
const done = await sandbox.process.executeSessionCommand(${script(v.session)}, { command: ${script(v.command)} });
console.log((await sandbox.process.getSessionCommandLogs(${script(v.session)}, done.cmdId)).output);
await sandbox.process.deleteSession(${script(v.session)});`,
      go: `check(sandbox.Process.CreateSession(ctx, ${go(v.session)}))
	{
		done, err := sandbox.Process.ExecuteSessionCommand(ctx, ${go(v.session)}, ${go(v.command)}, false, false)
		check(err)
		logs, err := sandbox.Process.GetSessionCommandLogs(ctx, ${go(v.session)}, done["id"].(string))
		check(err)
		fmt.Println(logs["logs"])
	}
	check(sandbox.Process.DeleteSession(ctx, ${go(v.session)}))`,
      cli: v.command,
    }),
  },
];

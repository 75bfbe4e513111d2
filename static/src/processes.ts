// The tab Processes of a sandbox.

import { onState, startSandboxPage } from "./lib/sandboxpage";
import { Processes } from "./lib/work/processes";

const page = startSandboxPage();
const processes = new Processes(document.getElementById("processes")!);
onState(page, (state) => processes.sandbox(state));

// The tab Ports of a sandbox.

import { onState, startSandboxPage } from "./lib/sandboxpage";
import { Ports } from "./lib/work/ports";

const page = startSandboxPage();
const ports = new Ports(document.getElementById("ports")!);
onState(page, (state) => ports.sandbox(state));

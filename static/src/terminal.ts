// The tab Terminal of a sandbox.

import { onState, startSandboxPage } from "./lib/sandboxpage";

const page = startSandboxPage();
const { Workspace } = await import("./lib/term/workspace");
const workspace = new Workspace(document.getElementById("terminal")!);
onState(page, (state) => workspace.sandbox(state));
if (page.state() === "started") await workspace.start();

// The tab Terminal of a sandbox.

import { offerCommand } from "./lib/move/arrive";
import { onState, startSandboxPage } from "./lib/sandboxpage";

const page = startSandboxPage();
const { Workspace } = await import("./lib/term/workspace");
const root = document.getElementById("terminal")!;
const workspace = new Workspace(root);
offerCommand(page.id, root, (text) => workspace.type(text));
onState(page, (state) => workspace.sandbox(state));
if (page.state() === "started") await workspace.start();

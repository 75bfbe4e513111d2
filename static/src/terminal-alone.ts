// The terminal by itself, at port 22222 of a sandbox's previews.

import { startPage } from "./lib/page";

startPage();
const { Workspace } = await import("./lib/term/workspace");
await new Workspace(document.getElementById("terminal")!).start();

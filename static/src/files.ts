// The tab Files of a sandbox.

import { Files } from "./lib/work/files";
import { onState, startSandboxPage } from "./lib/sandboxpage";

const page = startSandboxPage();
const files = new Files(document.getElementById("files")!);
onState(page, (state) => files.sandbox(state));

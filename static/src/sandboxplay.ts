// The page /playground.

import { startPage } from "./lib/page";
import { SandboxPlayground } from "./lib/sandboxplay/page";

startPage();
new SandboxPlayground().start();

// A sandbox's pages that need nothing but their frame.

import { startSandboxPage } from "./lib/sandboxpage";

startSandboxPage();

// All steps, in the order in which they run.

import { desktop } from "./desktop";
import { files } from "./files";
import { git } from "./git";
import { process } from "./process";
import type { Step } from "./step";

export const steps: Step[] = [...files, ...git, ...process, ...desktop];

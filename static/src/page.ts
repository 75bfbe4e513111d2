// Every page but the playground and embeds.

import { startPage } from "./lib/page";

startPage();

// The playground page.

import { Playground } from "./lib/playground";
import { startPage } from "./lib/page";

startPage();
void new Playground().start();

// The list of notebooks.

import { Home } from "./lib/notebook/home";
import { startPage } from "./lib/page";

startPage();
void new Home().start();

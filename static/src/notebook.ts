// The page of a notebook.

import { NotebookPage } from "./lib/notebook/page";
import { startPage } from "./lib/page";

startPage();
void new NotebookPage().start();

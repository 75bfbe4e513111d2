// The page of recordings at a preview address.

import { Machine } from "../lib/desktop/machine";
import { Recordings } from "../lib/desktop/recordings";

new Recordings(new Machine(document.getElementById("desk")!.dataset.toolbox!)).start();

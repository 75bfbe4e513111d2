// The page of a link: somebody watches a desktop.

import { byId, copyText } from "./lib/dom";
import { Connection, over } from "./lib/desktop/connection";
import { again, cover, fullScreen, status } from "./lib/desktop/stage";

const retry = 3000; // while there is nothing to see
const desk = byId("desk");
let copied = "";

const connection = new Connection(byId("picture"), `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${location.pathname}/socket`, { size: "fit", quality: "good", viewOnly: true }, {
  connecting: () => status("Connecting…"),
  connected() {
    cover();
    status("Live");
    desk.dataset.connected = "true";
  },
  ended(code, reason, seconds) {
    delete desk.dataset.connected;
    status("Not connected");
    if (code === over) return finished(reason);
    if (seconds === undefined) {
      cover("There is nothing to see at the moment. The picture appears here as soon as the desktop runs.");
      setTimeout(() => void look(), retry);
      return;
    }
    cover(again(seconds, reason));
    void stillGood();
  },
  copied(text) {
    copied = text;
    const button = document.getElementById("clip-copy") as HTMLButtonElement | null;
    if (button) button.disabled = false;
  },
});

/** Tries again, unless the link is over. */
async function look(): Promise<void> {
  if (await stillGood()) connection.open();
}

/** Asks whether the link is good; when it is not, says so and gives up. */
async function stillGood(): Promise<boolean> {
  try {
    const answer = await fetch(location.pathname, { method: "HEAD", cache: "no-store" });
    if (answer.status !== 404 && answer.status !== 403) return true;
  } catch {
    return true; // the server is away, which says nothing of the link
  }
  finished("this link is not good any more; ask whoever sent it for a new one");
  return false;
}

function finished(reason: string): void {
  connection.close();
  cover(`${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`);
  status("Ended");
}

document.getElementById("clip-copy")?.addEventListener("click", (e) => void copyText(copied, e.currentTarget as HTMLElement));
fullScreen(byId("full"), desk);
cover("Connecting to the desktop…");
connection.open();

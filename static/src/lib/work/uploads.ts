// Uploads: one file after the other, raw, each below the folder in which its
// batch was begun, wherever the page is by then.

import { ask } from "../ask";
import { byId } from "../dom";
import { bytes } from "../format";
import { ToolboxError } from "../term/toolbox";

export interface Upload {
  file: File;
  name: string; // below the folder
}

type Conflict = "ask" | "replace" | "skip";

export class Uploads {
  private last: Promise<unknown> = Promise.resolve();
  private stop = new AbortController();
  private waiting = 0; // batches that are not done

  /** url is where a file of a path is sent to. */
  constructor(private readonly url: (path: string) => string) {
    byId("file-cancel").addEventListener("click", () => this.stop.abort());
    addEventListener("beforeunload", (e) => this.waiting > 0 && e.preventDefault());
  }

  /** Uploads files into a folder, after all that were given before, and returns what there is to say. */
  add(folder: string, files: Upload[]): Promise<string> {
    if (this.waiting++ === 0) this.stop = new AbortController();
    const { signal } = this.stop;
    const done = this.last.then(() => this.batch(folder, files, signal)).finally(() => this.waiting--);
    this.last = done.catch(() => undefined); // its own caller is told
    return done;
  }

  private async batch(folder: string, files: Upload[], signal: AbortSignal): Promise<string> {
    let always: "all" | "none" | undefined; // what was said of every file that is there already
    let sent = 0;
    let left = 0;
    const result = () => `${sent} of ${files.length} files are in ${folder}.`;
    for (const [i, { file, name }] of files.entries()) {
      if (signal.aborted) return `Stopped: ${result()}`;
      const url = this.url(`${folder === "/" ? "" : folder}/${name}`);
      const step = (done: number) => progress(`Uploading ${name}, ${i + 1} of ${files.length}: ${bytes(done)} of ${bytes(file.size)}`, file.size ? done / file.size : 1);
      try {
        let taken = await send(url, file, always === "all", step, signal);
        if (!taken) {
          const answer = always ?? (await conflict(name, files.length - i - 1));
          if (answer === "all" || answer === "none") always = answer;
          if (answer === "stop") this.stop.abort();
          if (answer === "all" || answer === "one") taken = await send(url, file, true, step, signal);
        }
        if (taken) sent++;
        else left++;
      } catch (e) {
        if (signal.aborted) return `Stopped: ${result()}`;
        throw files.length === 1 ? e : new Error(`${name}: ${(e as Error).message} ${result()}`);
      } finally {
        progress("", 0);
      }
    }
    if (files.length === 1) return sent ? `Uploaded ${files[0].name}.` : `${files[0].name} is as it was.`;
    return `Uploaded ${sent} files to ${folder}.${left ? ` ${left} that were there already are as they were.` : ""}`;
  }
}

/** Asks about a file that is there already, and about the ones behind it. */
async function conflict(name: string, more: number): Promise<"one" | "skip" | "all" | "none" | "stop"> {
  const question = { title: `Replace ${name}?`, text: "A file of this name is there already. Its content would be lost.", yes: "Replace", danger: true };
  if (more === 0) return (await ask(question)) ? "one" : "skip";
  const others = { skip: "Skip", all: "Replace all", none: "Skip all" };
  const answer = await ask({ ...question, text: `${question.text} ${more} more to upload.`, others, no: "Stop uploading" });
  if (answer === undefined) return "stop";
  return answer === "yes" ? "one" : (answer as keyof typeof others);
}

/** Sends a file, and reports false where one is there that may not be replaced. fetch does not tell how far it is. */
function send(url: string, file: File, replace: boolean, step: (done: number) => void, signal: AbortSignal): Promise<boolean> {
  return new Promise((ok, no) => {
    const r = new XMLHttpRequest();
    const stop = () => r.abort();
    signal.addEventListener("abort", stop);
    r.open("POST", url);
    r.setRequestHeader("Content-Type", "application/octet-stream");
    if (!replace) r.setRequestHeader("If-None-Match", "*");
    r.upload.addEventListener("progress", (e) => step(e.loaded));
    r.addEventListener("load", () => {
      if (r.status < 300) return ok(true);
      if (r.status === 412) return ok(false);
      let message = `The server answered ${r.status}.`;
      try {
        message = (JSON.parse(r.responseText) as { message: string }).message;
      } catch {
        // then the status must do
      }
      no(new ToolboxError(message, r.status, ""));
    });
    r.addEventListener("error", () => no(new ToolboxError("The upload was cut off. Try again.", 0, "")));
    r.addEventListener("abort", () => no(new ToolboxError("The upload was stopped.", 0, "")));
    r.addEventListener("loadend", () => signal.removeEventListener("abort", stop));
    step(0);
    r.send(file);
  });
}

function progress(text: string, part: number): void {
  const line = byId("file-progress");
  line.hidden = text === "";
  line.querySelector("span")!.textContent = text;
  line.querySelector("progress")!.value = part;
}

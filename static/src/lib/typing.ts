// The line for live input, at the end of the output while a program runs.
// Enter sends, Ctrl-D on an empty line ends the input, Ctrl-C interrupts.

import type { Console } from "./console";
import { el } from "./dom";
import type { Run } from "./run";

/** Most programs end sooner; the line would only flicker. */
const patience = 250;

export class TypingLine {
  private readonly field = el("input", { class: "input", "aria-label": "Input for the program", "aria-describedby": "typing-hint", autocomplete: "off", autocapitalize: "off", spellcheck: "false", enterkeyhint: "send" });
  private readonly line: HTMLElement;
  private readonly timer: number;
  private sending = Promise.resolve();

  constructor(
    private readonly screen: HTMLElement,
    private readonly run: Pick<Run, "input" | "endInput" | "stop">,
    private readonly console: Console,
  ) {
    const end = el("button", { type: "button", class: "btn small", title: "End the input (Ctrl D)" }, "End input");
    end.addEventListener("click", () => this.finish());
    this.line = el(
      "form",
      { class: "typing-form" },
      el("div", { class: "typing" }, el("span", { class: "prompt", "aria-hidden": "true" }, "›"), this.field, end),
      el("p", { class: "typing-hint hint", id: "typing-hint" }, "Enter sends a line. Ctrl D ends the input, Ctrl C interrupts."),
    );
    this.line.addEventListener("submit", (e) => {
      e.preventDefault();
      this.send(this.field.value);
    });
    this.field.addEventListener("keydown", (e) => this.key(e));
    this.timer = window.setTimeout(() => this.appear(), patience);
  }

  private appear(): void {
    this.screen.append(this.line);
    this.console.toEnd();
    if (wantsFocus()) this.field.focus({ preventScroll: true });
  }

  private send(text: string): void {
    this.field.value = "";
    this.console.typed(text);
    this.later(() => this.run.input(text + "\n"));
  }

  private finish(): void {
    this.field.disabled = true;
    this.later(() => this.run.endInput());
    this.console.remark("Input ended.");
    this.leave();
  }

  /** Lines reach the program in the order in which they were typed. */
  private later(post: () => Promise<void>): void {
    this.sending = this.sending.then(post).catch((e) => this.console.remark(`The input was not delivered: ${e.message}`));
  }

  private key(e: KeyboardEvent): void {
    const selected = this.field.selectionStart !== this.field.selectionEnd;
    if (e.ctrlKey && e.key === "d" && this.field.value === "") {
      e.preventDefault();
      this.finish();
    } else if (e.ctrlKey && e.key === "c" && !selected) {
      e.preventDefault();
      void this.run.stop();
    }
  }

  /** Takes the line away. */
  end(): void {
    window.clearTimeout(this.timer);
    this.leave();
  }

  /** Removes the line; who was typing goes on in the output, not at the top of the page. */
  private leave(): void {
    const typing = this.line.contains(document.activeElement);
    this.line.remove();
    if (typing) this.screen.focus({ preventScroll: true });
  }
}

/** On a touch screen the keyboard would cover the output; whoever types in the editor keeps the focus. */
function wantsFocus(): boolean {
  const busy = document.activeElement?.closest(".cm-editor, textarea, dialog");
  return !busy && matchMedia("(hover: hover)").matches;
}

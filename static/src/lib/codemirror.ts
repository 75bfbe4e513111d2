// CodeMirror as our Editor. It is loaded after the first paint; each language's
// grammar is loaded when it is first used.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentLess, insertTab } from "@codemirror/commands";
import { bracketMatching, indentOnInput, indentUnit, Language, LanguageSupport, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { classHighlighter, highlightCode } from "@lezer/highlight";
import { el } from "./dom";
import type { Editor, EditorEvents, EditorOptions } from "./editor";
import type { Diagnostic } from "./wire";

type Grammar = () => Promise<LanguageSupport | Extension>;

const grammars: Record<string, Grammar> = {
  python: () => import("@codemirror/lang-python").then((m) => m.python()),
  javascript: () => import("@codemirror/lang-javascript").then((m) => m.javascript()),
  typescript: () => import("@codemirror/lang-javascript").then((m) => m.javascript({ typescript: true })),
  sql: () => import("@codemirror/lang-sql").then((m) => m.sql({ dialect: m.SQLite })),
  ruby: () => import("@codemirror/legacy-modes/mode/ruby").then((m) => StreamLanguage.define(m.ruby)),
  lua: () => import("@codemirror/legacy-modes/mode/lua").then((m) => StreamLanguage.define(m.lua)),
  go: () => import("@codemirror/legacy-modes/mode/go").then((m) => StreamLanguage.define(m.go)),
  c: () => import("@codemirror/legacy-modes/mode/clike").then((m) => StreamLanguage.define(m.c)),
  cpp: () => import("@codemirror/legacy-modes/mode/clike").then((m) => StreamLanguage.define(m.cpp)),
};

const indents: Record<string, string> = { python: "    ", go: "\t", c: "    ", cpp: "    " };

export class CodeEditor implements Editor {
  private readonly view: EditorView;
  private readonly grammar = new Compartment();
  private readonly wrapping = new Compartment();
  private readonly label = new Compartment();
  private readonly states = new Map<string, EditorState>();
  private readonly common: Extension;
  private name = "";
  private wrapped: boolean;

  constructor(
    parent: HTMLElement,
    private readonly events: EditorEvents,
    options: EditorOptions,
  ) {
    this.wrapped = options.wrap;
    this.common = this.extensions(options);
    this.view = new EditorView({ parent, state: EditorState.create({ extensions: this.common }) });
  }

  open(name: string, text: string, mode: string, label = `Code of ${name}`): void {
    if (this.name) this.states.set(this.name, this.view.state);
    this.name = name;
    const known = this.states.get(name);
    const state = known?.doc.toString() === text ? known : EditorState.create({ doc: text, extensions: this.common });
    this.view.setState(state);
    this.view.dispatch({
      effects: [
        this.wrapping.reconfigure(this.wrapped ? EditorView.lineWrapping : []),
        this.label.reconfigure(EditorView.contentAttributes.of({ "aria-label": label, "aria-describedby": "escape-hint", tabindex: "0" })),
      ],
    });
    void this.highlight(name, modeOf(name, mode));
  }

  private async highlight(name: string, mode: string): Promise<void> {
    const grammar = await grammars[mode]?.().catch(() => undefined); // offline: the text is plain
    if (this.name !== name) return;
    this.view.dispatch({ effects: this.grammar.reconfigure([grammar ?? [], indentUnit.of(indents[mode] ?? "  ")]) });
  }

  goTo(line: number, column: number): void {
    const doc = this.view.state.doc;
    const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
    const pos = Math.min(at.from + Math.max(column - 1, 0), at.to);
    this.view.dispatch({ selection: { anchor: pos }, effects: EditorView.scrollIntoView(pos, { y: "center" }) });
    this.view.focus();
  }

  place(at: number): void {
    const pos = Math.min(Math.max(at, 0), this.view.state.doc.length);
    this.view.dispatch({ selection: { anchor: pos }, scrollIntoView: true });
  }

  cursor(): number {
    return this.view.state.selection.main.head;
  }

  mark(diagnostics: Diagnostic[]): void {
    const doc = this.view.state.doc;
    const marks = diagnostics
      .filter((d) => d.file === this.name && d.line >= 1 && d.line <= doc.lines)
      .map((d) => {
        const line = doc.line(d.line);
        const from = Math.min(line.from + Math.max(d.column - 1, 0), line.to);
        return { from, to: line.to, severity: d.severity, message: d.message };
      });
    this.view.dispatch(setDiagnostics(this.view.state, marks));
  }

  focus(): void {
    this.view.focus();
  }

  wrap(on: boolean): void {
    this.wrapped = on;
    this.view.dispatch({ effects: this.wrapping.reconfigure(on ? EditorView.lineWrapping : []) });
  }

  destroy(): void {
    this.view.destroy();
  }

  private extensions(options: EditorOptions): Extension {
    return [
      EditorView.cspNonce.of(options.nonce),
      options.bare ? [] : [lintGutter(), lineNumbers(), highlightActiveLineGutter()],
      highlightSpecialChars(),
      history(),
      drawSelection(),
      options.keepReturns ? EditorState.lineSeparator.of("\n") : [],
      EditorState.tabSize.of(4),
      EditorState.readOnly.of(options.readOnly),
      EditorView.editable.of(true),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      autocompletion(),
      highlightActiveLine(),
      highlightSelectionMatches(),
      syntaxHighlighting(classHighlighter),
      this.grammar.of([]),
      this.wrapping.of(this.wrapped ? EditorView.lineWrapping : []),
      this.label.of(EditorView.contentAttributes.of({ "aria-label": "Code" })),
      this.keys(),
      EditorView.domEventHandlers({ beforeinput: typeOver }),
      Prec.highest(EditorView.domEventHandlers({ keydown: leaveByTab })),
      EditorView.updateListener.of((u) => {
        if (u.docChanged) this.events.change(u.state.doc.toString());
      }),
    ];
  }

  private keys(): Extension {
    const run = () => (this.events.run(), true);
    const own = [
      { key: "Mod-Enter", run },
      { key: "Shift-Enter", run },
      { key: "Mod-s", run: () => (this.events.save(), true), preventDefault: true },
    ];
    const tabs = [{ key: "Tab", run: insertIndent, shift: indentLess }];
    return [Prec.highest(keymap.of(own)), keymap.of([...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, ...historyKeymap, ...tabs, ...defaultKeymap])];
  }
}

/** Text in the colours that the editor would give it; undefined for a mode without a grammar. */
export async function coloured(text: string, mode: string): Promise<DocumentFragment | undefined> {
  const grammar = await grammars[mode]?.().catch(() => undefined);
  const language = grammar instanceof LanguageSupport ? grammar.language : grammar;
  if (!(language instanceof Language)) return undefined;
  const out = document.createDocumentFragment();
  const put = (code: string, classes: string) => out.append(classes ? el("span", { class: classes }, code) : code);
  highlightCode(text, language.parser.parse(text), classHighlighter, put, () => out.append("\n"));
  return out;
}

/**
 * Replaces a selection by what is typed. Chromium would do so itself, but copies
 * the old text's look into a style attribute, which the page's policy forbids.
 */
function typeOver(e: InputEvent, view: EditorView): boolean {
  const { state } = view;
  const { from, to, empty } = state.selection.main;
  if (e.inputType !== "insertText" || !e.data || e.isComposing || empty || state.readOnly) return false;
  const text = e.data;
  const insert = () => state.update(state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
  if (!state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, text, insert))) view.dispatch(insert());
  return true;
}

/** After Escape, Tab leaves the editor for two seconds, whatever else Escape closes. */
function leaveByTab(e: KeyboardEvent, view: EditorView): boolean {
  if (e.key === "Escape") view.setTabFocusMode(2000);
  return false;
}

/** Tab indents by the language's unit, and selected lines as a whole. */
function insertIndent(view: EditorView): boolean {
  const { state } = view;
  if (state.selection.ranges.some((r) => !r.empty)) return insertTab(view);
  view.dispatch(state.replaceSelection(state.facet(indentUnit)), { userEvent: "input", scrollIntoView: true });
  return true;
}

const byExtension: Record<string, string> = { py: "python", js: "javascript", mjs: "javascript", ts: "typescript", rb: "ruby", lua: "lua", sql: "sql" };

/** A file's mode by its name, so that data files of a program stay plain. */
function modeOf(name: string, mode: string): string {
  const extension = name.includes(".") ? name.split(".").pop()!.toLowerCase() : "";
  if (byExtension[extension]) return byExtension[extension];
  return /^(txt|csv|tsv|json|md|html|css|xml|yaml|yml|toml|ini|log|svg)$/.test(extension) ? "text" : mode;
}

// Texts written so that a language reads exactly them and nothing more.

/** For POSIX shells. A text with a NUL cannot be an argument of a program, so the NUL goes. */
export function shell(s: string): string {
  const text = s.replaceAll("\0", "");
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** For JavaScript and TypeScript. */
export function script(s: string): string {
  return JSON.stringify(s.toWellFormed()).replace(/[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** For Python, whose texts in double quotes read JSON's escapes as JSON does. */
export const python = script;

/** For Go, which knows JSON's escapes as well, but for the solidus that JSON.stringify never escapes. */
export const go = script;

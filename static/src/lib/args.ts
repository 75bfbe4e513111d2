// Arguments as one types them: separated by spaces, quotes keep one together,
// a backslash takes the next character as it is. The server splits the same way.

export function splitArgs(line: string): string[] {
  const args: string[] = [];
  let current: string | undefined;
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (c === "\\" && quote !== "'" && i + 1 < line.length) current = (current ?? "") + line[++i];
    else if (quote && c === quote) quote = "";
    else if (quote) current = (current ?? "") + c;
    else if (c === '"' || c === "'") [quote, current] = [c, current ?? ""];
    else if (/\s/.test(c)) {
      if (current !== undefined) args.push(current);
      current = undefined;
    } else current = (current ?? "") + c;
  }
  if (current !== undefined) args.push(current);
  return args;
}

type Operator = "+" | "-" | "*" | "/" | "^";

const strength: Record<Operator, number> = { "+": 1, "-": 1, "*": 2, "/": 2, "^": 3 };

const apply: Record<Operator, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "^": (a, b) => a ** b,
};

/** Evaluates an expression by precedence climbing. */
export function evaluate(text: string): number {
  const tokens = text.match(/\d+(\.\d+)?|\S/g) ?? [];

  function operand(): number {
    const token = tokens.shift();
    if (token === "-") return -operand();
    if (token === "(") {
      const value = expression(0);
      if (tokens.shift() !== ")") throw new Error("a parenthesis is not closed");
      return value;
    }
    const value = Number(token);
    if (token === undefined || Number.isNaN(value)) throw new Error(`expected a number, found ${token ?? "the end"}`);
    return value;
  }

  function expression(least: number): number {
    let left = operand();
    for (;;) {
      const operator = tokens[0] as Operator;
      const own = strength[operator];
      if (own === undefined || own < least) return left;
      tokens.shift();
      left = apply[operator](left, expression(operator === "^" ? own : own + 1));
    }
  }

  const value = expression(0);
  if (tokens.length > 0) throw new Error(`unexpected ${tokens[0]}`);
  return value;
}

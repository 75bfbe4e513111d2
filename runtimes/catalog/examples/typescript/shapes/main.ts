// Unions of types that the compiler can tell apart, and a check that none is forgotten.

type Shape =
  | { kind: "circle"; radius: number }
  | { kind: "rectangle"; width: number; height: number }
  | { kind: "triangle"; sides: [number, number, number] };

function area(shape: Shape): number {
  switch (shape.kind) {
    case "circle":
      return Math.PI * shape.radius ** 2;
    case "rectangle":
      return shape.width * shape.height;
    case "triangle": {
      const [a, b, c] = shape.sides;
      const s = (a + b + c) / 2;
      return Math.sqrt(s * (s - a) * (s - b) * (s - c));
    }
    default: {
      const forgotten: never = shape; // an error in your editor when a kind is missing above
      return forgotten;
    }
  }
}

const shapes = [
  { kind: "circle", radius: 1 },
  { kind: "rectangle", width: 3, height: 4 },
  { kind: "triangle", sides: [3, 4, 5] },
] satisfies Shape[];

for (const shape of shapes) {
  console.log(shape.kind.padEnd(10), area(shape).toFixed(2));
}

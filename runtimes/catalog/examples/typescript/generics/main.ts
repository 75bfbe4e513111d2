// A typed event emitter: the names of events and their data belong together.

type Events = {
  tide: { metres: number };
  bird: { name: string; count: number };
};

class Emitter<E extends Record<string, unknown>> {
  private readonly listeners: { [K in keyof E]?: ((data: E[K]) => void)[] } = {};

  on<K extends keyof E>(event: K, listener: (data: E[K]) => void): this {
    (this.listeners[event] ??= []).push(listener);
    return this;
  }

  emit<K extends keyof E>(event: K, data: E[K]): number {
    const found = this.listeners[event] ?? [];
    found.forEach((listener) => listener(data));
    return found.length;
  }
}

enum Level {
  Low,
  Middle,
  High,
}

const level = (metres: number): Level => (metres < 1 ? Level.Low : metres < 2 ? Level.Middle : Level.High);

const beach = new Emitter<Events>()
  .on("tide", ({ metres }) => console.log(`tide: ${metres} m, ${Level[level(metres)].toLowerCase()}`))
  .on("bird", ({ name, count }) => console.log(`${count} × ${name}`));

beach.emit("tide", { metres: 0.4 });
beach.emit("bird", { name: "sanderling", count: 12 });
beach.emit("tide", { metres: 2.6 });
// beach.emit("bird", { name: "dunlin" }); // an error in your editor: count is missing

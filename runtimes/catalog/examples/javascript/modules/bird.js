export class Bird {
  #grams;

  constructor({ name, grams, home }) {
    Object.assign(this, { name, home });
    this.#grams = grams;
  }

  get heavy() {
    return this.#grams > 100;
  }
}

export const describe = (bird) => `The ${bird.name} is ${bird.heavy ? "heavy" : "light"} and lives on the ${bird.home}.`;

// xterm.js under a strict Content-Security-Policy. It makes style elements, which
// need the page's nonce, and sets the attribute style of its spans, which no
// nonce allows though the same by way of the object model is allowed.

export function allowStyles(nonce: string): void {
  const create = document.createElement.bind(document);
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const e = create(name, options);
    if (e instanceof HTMLStyleElement) e.nonce = nonce;
    return e;
  }) as typeof document.createElement;
  HTMLSpanElement.prototype.setAttribute = function (this: HTMLSpanElement, name: string, value: string) {
    if (name === "style") this.style.cssText = value;
    else Element.prototype.setAttribute.call(this, name, value);
  };
}

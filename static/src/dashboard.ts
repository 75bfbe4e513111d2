// The places where sandboxes are looked after: lists, forms and what the server
// has room for.

import htmx from "htmx.org";
import { startLive } from "./lib/live";
import { startPage } from "./lib/page";

startPage();
startLive();
filters();
code();

/** Filters a list as soon as something is chosen. */
function filters(): void {
  const form = document.getElementById("filters") as HTMLFormElement | null;
  form?.addEventListener("change", (e) => {
    if (e.target instanceof HTMLSelectElement) form.requestSubmit();
  });
  form?.addEventListener("submit", () => {
    // What is empty is left out of the address.
    for (const field of form.querySelectorAll<HTMLInputElement | HTMLSelectElement>("input, select")) field.disabled = field.value === "";
  });
  addEventListener("pageshow", () => form?.querySelectorAll<HTMLInputElement>("input, select").forEach((field) => (field.disabled = false)));
}

/** Writes the code of what the form for a sandbox says, as it is filled in. */
function code(): void {
  const form = document.getElementById("new") as HTMLFormElement | null;
  if (!form) return;
  let timer = 0;
  let open: string[] = []; // stays while a problem is shown in the code's place
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      const shown = document.querySelector("#codes");
      if (shown) open = [...shown.querySelectorAll("details[open] pre")].map((pre) => pre.id);
      void htmx.ajax("POST", "/sandboxes/new/code", { target: "#new-codes", swap: "innerHTML", values: Object.fromEntries(new FormData(form) as never) }).then(() => {
        for (const id of open) document.getElementById(id)?.closest("details")?.toggleAttribute("open", true);
      });
    }, 250);
  });
}

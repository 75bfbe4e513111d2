// What the server tells the notebook pages.

import { byId } from "../dom";

export interface KernelLanguage {
  id: string;
  label: string; // "Python 3.12"
  editor: string; // the editor's mode
}

export interface PageData {
  languages: KernelLanguage[];
  signedIn: boolean; // others get no list of sessions
}

export function pageData(): PageData {
  return JSON.parse(byId("data").textContent!) as PageData;
}

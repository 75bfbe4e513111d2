// Private links: the program travels in the part of the address after the #,
// which browsers do not send to servers. A digit says how it is packed:
// 1 = raw deflate, 0 = as it is; then base64url of the JSON.

import type { Program, ProgramFile } from "./wire";

const name = "code";

/** Longer links are cut by mail and chat programs. */
export const longLink = 8000;

/** Bounds what a link may unpack to. */
const maxUnpacked = 4 << 20;

export async function toHash(p: Program): Promise<string> {
  const json = JSON.stringify({ l: p.language, f: p.files.map((f) => [f.name, f.content]), i: p.stdin || undefined, a: p.args || undefined, t: p.title || undefined });
  const raw = new TextEncoder().encode(json);
  if (typeof CompressionStream === "undefined") return `#${name}=0${base64url(raw)}`;
  return `#${name}=1${base64url(await through(raw, new CompressionStream("deflate-raw")))}`;
}

/** Reads a link's program; undefined when the hash is not one or is broken. */
export async function fromHash(hash: string): Promise<Program | undefined> {
  const packed = new URLSearchParams(hash.replace(/^#/, "")).get(name);
  if (!packed) return undefined;
  try {
    const raw = unbase64url(packed.slice(1));
    const json = packed[0] === "1" ? await through(raw, new DecompressionStream("deflate-raw")) : raw;
    return program(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json)));
  } catch {
    return undefined;
  }
}

function program(v: { l?: unknown; f?: unknown; i?: unknown; a?: unknown; t?: unknown }): Program | undefined {
  if (typeof v?.l !== "string" || !Array.isArray(v.f) || v.f.length === 0 || v.f.length > 64) return undefined;
  const files: ProgramFile[] = [];
  for (const f of v.f) {
    if (!Array.isArray(f) || typeof f[0] !== "string" || typeof f[1] !== "string") return undefined;
    files.push({ name: f[0], content: f[1] });
  }
  return { language: v.l, files, stdin: text(v.i), args: text(v.a), title: text(v.t) };
}

function text(v: unknown): string {
  return typeof v === "string" ? v : "";
}

async function through(data: Uint8Array, transform: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const source = new Blob([data as BlobPart]).stream().pipeThrough(transform as ReadableWritablePair<Uint8Array, BufferSource>);
  const reader = source.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > maxUnpacked) throw new Error("the link unpacks to too much");
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

function base64url(data: Uint8Array): string {
  let s = "";
  for (let i = 0; i < data.length; i += 0x8000) s += String.fromCharCode(...data.subarray(i, i + 0x8000));
  return btoa(s).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function unbase64url(s: string): Uint8Array {
  return Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
}

// Stored inputs that once reached new code or broke a target: `seeds/TARGET.json` beside this file, texts in Base64.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const mostKept = 300;
const mostBytes = 512;

export function keptSeeds(name: string): Buffer[] {
  const file = fileOf(name);
  if (!existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, 'utf8')) as string[]).map((text) => Buffer.from(text, 'base64'));
}

/** Adds the short ones of `found` to the stored seeds. */
export function keepSeeds(name: string, found: readonly Buffer[]): void {
  const short = found.filter(({ length }) => length <= mostBytes);
  const texts = [...keptSeeds(name), ...short].map((seed) => Buffer.from(seed).toString('base64'));
  const kept = [...new Set(texts)].slice(0, mostKept);
  writeFileSync(fileOf(name), `${JSON.stringify(kept, undefined, 1)}\n`);
}

function fileOf(name: string): URL {
  return new URL(`seeds/${name}.json`, import.meta.url);
}

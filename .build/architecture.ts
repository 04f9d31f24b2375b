// The picture of the tree, made of the table that the import rules are made of: a section of docs/architecture.md, and a README for each room.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

interface Room {
  readonly owns: string;
  readonly imports?: readonly string[];
}

const { rooms, packages } = createRequire(import.meta.url)('./rooms.cjs') as {
  rooms: Readonly<Record<string, Room>>;
  packages: Readonly<Record<string, readonly string[]>>;
};

const root = new URL('../', import.meta.url);
const page = 'docs/architecture.md';
const [begin, end] = ['<!-- ROOMS: made by `npm run docs:architecture`. -->', '<!-- /ROOMS -->'];
const note = '<!-- Made by `npm run docs:architecture` of .build/rooms.cjs. Do not edit. -->';
const names = Object.keys(rooms);

/** Path from the root of the project → its text. */
export function renderArchitecture(): Map<string, string> {
  const readmes = Object.entries(rooms).map(
    ([name, room]) => [`${name}/README.md`, readme(name, room)] as const,
  );
  const text = readFileSync(new URL(page, root), 'utf8');
  const [before = '', rest = ''] = text.split(begin);
  const after = rest.split(end)[1] ?? '';
  return new Map([[page, `${before}${begin}\n\n${section()}\n\n${end}${after}`], ...readmes]);
}

function readme(name: string, { owns }: Room): string {
  const inside = childrenOf(name).map(
    (child) => `- [${child}](${child.slice(name.length + 1)}): ${rooms[child]?.owns}`,
  );
  const parts = [note, `# ${name}`, owns, importsText(name), inside.join('\n')];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function importsText(name: string): string {
  const allowed = importsOf(name);
  if (allowed === undefined) return '';
  const own = Object.entries(packages).filter(([, owners]) => owners.some((owner) => contains(owner, name)));
  const only = own.map(([pattern]) => `\`${/[\w@/-]+/.exec(pattern)?.[0]}\``);
  const rule = allowed.length === 0 ? 'It imports no other room.' : `It may import ${allowed.join(', ')}.`;
  return only.length === 0 ? rule : `${rule} Only few rooms may import ${only.join(' and ')}: this is one.`;
}

/** Those of the room, or of the one that it is in. */
function importsOf(name: string): readonly string[] | undefined {
  const own = rooms[name]?.imports;
  const parent = name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : undefined;
  return own ?? (parent === undefined ? undefined : importsOf(parent));
}

function section(): string {
  return [
    '```',
    ...names.filter((name) => !name.includes('/')).flatMap((name) => tree(name, '', '')),
    '```',
    '',
    ...graph(),
  ].join('\n');
}

/** One line for each room, indented as it lies. */
function tree(name: string, prefix: string, branch: string): string[] {
  const label = `${prefix}${branch}${name.slice(name.lastIndexOf('/') + 1)}/`;
  const below = childrenOf(name);
  const inner = prefix + (branch === '' ? '' : branch.startsWith('└') ? '   ' : '│  ');
  return [
    `${label.padEnd(24)}${rooms[name]?.owns}`,
    ...below.flatMap((child, index) => tree(child, inner, index === below.length - 1 ? '└─ ' : '├─ ')),
  ];
}

/** The rooms that have rules, and an arrow to each that they may import. Arrows that follow from others are left out. */
function graph(): string[] {
  const ruled = names.filter((name) => rooms[name]?.imports !== undefined || name === 'cli');
  const targets = new Map(ruled.map((name) => [name, targetsOf(name, ruled)]));
  const arrows = ruled.flatMap((name) => {
    const direct = targets.get(name) ?? [];
    const isImplied = (one: string): boolean =>
      direct.some((other) => other !== one && reaches(other, one, targets));
    return direct.filter((one) => !isImplied(one)).map((one) => `  ${idOf(name)} --> ${idOf(one)}`);
  });
  return [
    '```mermaid',
    'flowchart TD',
    ...ruled.map((name) => `  ${idOf(name)}["${name}"]`),
    ...arrows,
    '```',
  ];
}

/** A plane is drawn to the rooms in it, which its main.ts wires. The command line may import everything: it is drawn to what it starts. */
function targetsOf(name: string, ruled: readonly string[]): string[] {
  const allowed = rooms[name]?.imports ?? ['gateway', 'scaler'];
  const all = [...allowed, ...childrenOf(name)].flatMap((one) =>
    ruled.includes(one) ? [one] : ruled.filter((other) => contains(one, other)),
  );
  return all.filter((one) => !contains(one, name));
}

function reaches(from: string, to: string, targets: ReadonlyMap<string, readonly string[]>): boolean {
  return (targets.get(from) ?? []).some((one) => one === to || reaches(one, to, targets));
}

function idOf(name: string): string {
  return name.replace('/', '_');
}

function childrenOf(name: string): string[] {
  return names.filter((other) => other.startsWith(`${name}/`) && !other.slice(name.length + 1).includes('/'));
}

function contains(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}

if (import.meta.main) {
  for (const [path, text] of renderArchitecture()) {
    const url = new URL(path, root);
    mkdirSync(dirname(url.pathname), { recursive: true });
    writeFileSync(url, text);
  }
}

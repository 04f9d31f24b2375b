// The parts of a page that is made from the code.

const note = '<!-- Made by `npm run docs:reference`. Do not edit. -->';

export function page(title: string, introduction: string, body: string): string {
  return `${note}\n\n# ${title}\n\n${introduction}\n\n${body}\n`;
}

export function code(text: string): string {
  return `\`${text}\``;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

// The docs refer only to what exists: pages, headings, sources, and the tests that prove a control.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';

const root = join(import.meta.dirname, '..');
const pages = globSync(['*.md', 'docs/**/*.md', 'functions-examples/*.md', 'functions-examples/*/*.md'], {
  cwd: root,
});
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

/** The anchor of a heading, as GitHub forms it. */
function anchorsOf(page: string): Set<string> {
  const headings = [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function linksOf(page: string): string[] {
  return [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** In code: paths from the root of the project, and glob patterns. */
function pathsOf(page: string): string[] {
  return [
    ...textOf(page).matchAll(
      /`((?:core|gateway|scaler|controller|cli|charts|docs|test|\.build)\/[^`\s:]+)`/g,
    ),
  ].map(([, path = '']) => path);
}

t.test('every link leads to an existing page and heading', (t) => {
  for (const page of pages) {
    for (const link of linksOf(page)) {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? page : normalize(join(dirname(page), file));
      const isThere = globSync(target, { cwd: root }).length > 0;
      const hasHeading = anchor === undefined || (isThere && anchorsOf(target).has(anchor));
      if (!isThere || !hasHeading) t.fail(`${page} links to ${link}, which is not there`);
    }
  }
  t.ok(pages.length > 30, 'all pages are looked at');
  t.end();
});

t.test('every source, test and chart file that the docs name exists', (t) => {
  for (const page of pages.filter((page) => page !== 'CHANGELOG.md')) {
    for (const path of pathsOf(page)) {
      if (globSync(path, { cwd: root }).length === 0) t.fail(`${page} names ${path}, which is not there`);
    }
  }
  t.ok(pathsOf('docs/threat-model.md').length > 40, 'those of the threat model are looked at');
  t.end();
});

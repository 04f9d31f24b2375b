// What the release workflow asks of this checkout, and writes into it. Plain JavaScript, because it also runs where nothing is installed.
//
//   node .build/release.js check TAG                      prints version=, image= and charts=, or fails
//   node .build/release.js chart SOURCE IMAGE DIGEST      writes the published image and the repository into the chart
//   node .build/release.js package SOURCE                 writes the repository into package.json, as npm's provenance demands it
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const chart = join('charts', 'millrace', 'Chart.yaml');
const values = join('charts', 'millrace', 'values.yaml');

/** Reads in the working directory. */
export function checkRelease(tag, { repository, registry }) {
  const version = tag.replace(/^v/, '');
  const named = {
    'package.json': JSON.parse(readFileSync('package.json', 'utf8')).version,
    [`version of ${chart}`]: fieldOf(chart, 'version'),
    [`appVersion of ${chart}`]: fieldOf(chart, 'appVersion'),
  };
  for (const [place, found] of Object.entries(named))
    if (found !== version) throw new Error(`the tag is ${tag}, but ${place} is ${found}`);
  if (!readFileSync('CHANGELOG.md', 'utf8').includes(`\n## [${version}]`))
    throw new Error(`CHANGELOG.md has no part "## [${version}]"`);
  // Image names are in lower case, whatever the repository's is.
  const image = `${registry}/${repository.toLowerCase()}`;
  return { version, image, charts: `${image}/charts` };
}

export function writeChart(source, image, digest) {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`${digest} is no digest`);
  replace(chart, /^home: .*$/m, `home: ${source}`);
  replace(chart, /^sources: .*$/m, `sources: [${source}]`);
  replace(values, /^( {2}repository:) ''$/m, `$1 ${image}`);
  replace(values, /^( {2}digest:) ''$/m, `$1 ${digest}`);
}

export function writePackage(source) {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  manifest.repository = { type: 'git', url: `git+${source}.git` };
  writeFileSync('package.json', `${JSON.stringify(manifest, null, 2)}\n`);
}

function fieldOf(path, field) {
  return new RegExp(`^${field}: (\\S+)$`, 'm').exec(readFileSync(path, 'utf8'))?.[1];
}

function replace(path, pattern, text) {
  const before = readFileSync(path, 'utf8');
  if (!pattern.test(before)) throw new Error(`${path} has no line ${pattern}`);
  writeFileSync(path, before.replace(pattern, text));
}

if (import.meta.main) {
  const [command, ...args] = process.argv.slice(2);
  const { GITHUB_REPOSITORY: repository = '', REGISTRY: registry = '' } = process.env;
  if (command === 'check') {
    for (const [name, value] of Object.entries(checkRelease(args[0], { repository, registry })))
      console.log(`${name}=${value}`);
  } else if (command === 'chart') {
    writeChart(...args);
  } else if (command === 'package') {
    writePackage(...args);
  } else {
    throw new Error(`there is no ${command}`);
  }
}

// Lints the GitHub workflows with actionlint, a Go program, built once into the cache folder from its pinned module. Where there is no Go it says so, as a
// note that `npm test` repeats.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const VERSION = 'v1.7.7';
const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const bin = join(cache, 'millrace', `actionlint-${VERSION}`);
const program = join(bin, 'actionlint');

if (!existsSync(program)) {
  const module = `github.com/rhysd/actionlint/cmd/actionlint@${VERSION}`;
  const env = { ...process.env, GOBIN: bin, GOFLAGS: '', CGO_ENABLED: '0' };
  const { error, status } = spawnSync('go', ['install', module], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (error?.code === 'ENOENT') {
    console.log('note: the workflows are not linted, because there is no Go to build actionlint with');
    process.exit(0);
  }
  if (status !== 0) process.exit(status ?? 1);
}
// Without shellcheck and pyflakes, which may or may not be on a machine: everywhere the same.
const args = ['-shellcheck=', '-pyflakes=', ...globSync('.github/workflows/*.yaml')];
process.exit(spawnSync(program, args, { stdio: 'inherit' }).status ?? 1);

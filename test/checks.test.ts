// The static checks. Each is an npm script and counts as one test; two run at a time.
import { execFile } from 'node:child_process';
import t from 'tap';

const scripts = {
  types: 'typecheck',
  lint: 'lint',
  format: 'check:format',
  'import rules': 'check:imports',
  'unused code': 'check:unused',
  'mirrored tests': 'check:mirrors',
  dependencies: 'check:dependencies',
  workflows: 'check:workflows',
};

/** Runs without NODE_OPTIONS: through it, tap records what every Node process loads, which doubles the work of a linter. */
function run(script: string): Promise<{ isPassed: boolean; output: string }> {
  const command = ['-u', 'NODE_OPTIONS', process.execPath, '--run', script];
  return new Promise((resolve) => {
    execFile('env', command, { maxBuffer: 100_000_000 }, (error, stdout, stderr) =>
      resolve({ isPassed: error === null, output: stdout + stderr }),
    );
  });
}

t.setTimeout(900_000);
t.jobs = 2;
for (const [name, script] of Object.entries(scripts))
  t.test(name, { buffered: true }, async (check) => {
    const { isPassed, output } = await run(script);
    check.ok(isPassed, `npm run ${script}`, { output, at: null, stack: '' });
    for (const note of output.match(/^note: .*/gm) ?? []) t.comment(note);
  });

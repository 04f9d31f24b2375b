// A campaign in a child process, which the parent can kill while an input blocks it, and which may run out of memory.
import { runCampaign } from './campaign.ts';
import { openProgressFile } from './progress-file.ts';
import type { CampaignRequest } from './run-in-child.ts';
import type { Target } from './target.ts';

const { module, name, progressPath, ...options } = JSON.parse(process.argv[2] ?? '{}') as CampaignRequest & {
  readonly progressPath: string;
};
process.once('disconnect', () => process.exit());
const { targets } = (await import(module)) as { targets: readonly Target[] };
const target = targets.find((target) => target.name === name);
if (target === undefined) throw new TypeError(`no target ${name}`);
const result = await runCampaign(target, { ...options, onInput: openProgressFile(progressPath) });
process.send?.(result, () => process.disconnect());

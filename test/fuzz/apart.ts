// A campaign in a process of its own, which can be ended while an input holds it up, or end for want of memory.
import { runCampaign } from './campaign.ts';
import { openBoard } from './input-board.ts';
import type { CampaignRequest } from './run-apart.ts';
import type { Target } from './target.ts';

const { module, name, board, ...options } = JSON.parse(process.argv[2] ?? '{}') as CampaignRequest & {
  readonly board: string;
};
process.once('disconnect', () => process.exit());
const { targets } = (await import(module)) as { targets: readonly Target[] };
const target = targets.find((target) => target.name === name);
if (target === undefined) throw new TypeError(`no target ${name}`);
const result = await runCampaign(target, { ...options, onInput: openBoard(board) });
process.send?.(result, () => process.disconnect());

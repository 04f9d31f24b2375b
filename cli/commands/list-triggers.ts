// `millrace triggers`: the triggers that gateways serve, with what is known of each.
import { printJson, type CommandIo } from '../command-io.ts';
import { readBacklogs } from '../gateways/backlog-metrics.ts';
import {
  openGatewayAdmin,
  urlsIn,
  type GatewayAdmin,
  type GatewayOptions,
} from '../gateways/gateway-admin.ts';
import { listServed } from '../gateways/served-triggers.ts';
import { sumUp, type TriggerSummary } from '../gateways/trigger-summary.ts';
import { drawTable, type Column } from '../status/table.ts';

export interface TriggersOptions extends GatewayOptions {
  /** URLs of scalers, which know the backlog. If empty, those in MILLRACE_SCALER_URLS. */
  readonly scaler: readonly string[];
  /** Prints an object for each trigger. */
  readonly json: boolean;
}

interface Row extends TriggerSummary {
  /** Undefined where no scaler was asked, or none knows. */
  readonly backlog: number | undefined;
}

const columns: readonly Column<Row>[] = [
  { title: 'trigger', cell: ({ trigger }) => trigger, isText: true },
  { title: 'state', cell: ({ state }) => state, isText: true },
  { title: 'partitions', cell: ({ partitions }) => String(partitions) },
  { title: 'in flight', cell: ({ inFlight }) => String(inFlight) },
  { title: 'held', cell: ({ held }) => String(held) },
  { title: 'blocked', cell: ({ blocked }) => String(blocked) },
  { title: 'delivered', cell: ({ delivered }) => String(delivered) },
  { title: 'why', cell: ({ why }) => why, isText: true },
];
const backlogColumn: Column<Row> = { title: 'backlog', cell: ({ backlog }) => String(backlog ?? '?') };

/** Exit code 1 if a gateway or all scalers did not answer, so that the list may lack something. */
export async function runTriggersCommand(options: TriggersOptions, io: CommandIo): Promise<number> {
  const scalers = urlsIn(options.scaler, io.env.MILLRACE_SCALER_URLS);
  const admin = await openGatewayAdmin(options, io);
  try {
    const { served, silent } = await listServed(admin);
    const { backlogs, failures } = await askScalers(admin, scalers);
    const rows = sumUp(served).map((summary) => ({ ...summary, backlog: backlogs.get(summary.trigger) }));
    if (options.json) for (const row of rows) printJson(io, row);
    else if (rows.length === 0) io.stdout.write('no trigger is served, or none that you may view\n');
    else io.stdout.write(`${drawTable(columnsWith(scalers), rows).join('\n')}\n`);
    const unheard = [...silent.map(({ url, why }) => `${url} did not answer: ${why}`), ...failures];
    for (const line of unheard) io.stderr.write(`${line}\n`);
    return unheard.length === 0 ? 0 : 1;
  } finally {
    await admin.close();
  }
}

/** All scalers know the same, so the first that answers is enough. */
async function askScalers(
  admin: GatewayAdmin,
  urls: readonly string[],
): Promise<{ backlogs: ReadonlyMap<string, number>; failures: readonly string[] }> {
  const failures: string[] = [];
  for (const url of urls) {
    const answer = await admin.ask(url, 'metrics');
    if (answer.kind === 'answered') return { backlogs: readBacklogs(answer.text), failures: [] };
    failures.push(`${url} did not tell the backlog: ${answer.why}`);
  }
  return { backlogs: new Map(), failures };
}

function columnsWith(scalers: readonly string[]): readonly Column<Row>[] {
  return scalers.length === 0 ? columns : columns.toSpliced(2, 0, backlogColumn);
}

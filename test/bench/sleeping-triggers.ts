// Triggers that sleep, each with a topic and a group of its own: their manifests, their topics, and the scaler that is called when one wakes up.
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export const partitions = 6;
const namespace = 'bench';

export function topicOf(index: number): string {
  return `sleeps-${index}`;
}

export function nameOf(index: number): string {
  return `t${index}`;
}

/** Their function has no endpoint. Groups are those of `generation` alone. Returns the path of the manifests. */
export async function writeManifests(folder: string, count: number, generation: string): Promise<string> {
  const manifests = Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      apiVersion: 'millrace.dev/v1alpha1',
      kind: 'Trigger',
      metadata: { name: nameOf(index), namespace },
      spec: {
        source: { topics: [topicOf(index)], consumerGroup: `${generation}.${nameOf(index)}` },
        function: { ref: { apiVersion: 'apps/v1', kind: 'Deployment', name: nameOf(index) } },
      },
    }),
  );
  const path = join(folder, `${generation}.yaml`);
  await writeFile(path, manifests.join('\n---\n'));
  return path;
}

export interface Alarm {
  readonly url: string;
  /** Resolves with when the gateway calls for this trigger for the first time, in ms of `performance.now()`. */
  calledFor(index: number): Promise<number>;
  forget(): void;
  close(): void;
}

/** Takes activation calls in the place of a scaler. */
export async function startAlarm(): Promise<Alarm> {
  const calls = new Map<string, PromiseWithResolvers<number>>();
  const callOf = (name: string): PromiseWithResolvers<number> => {
    const call = calls.get(name) ?? Promise.withResolvers<number>();
    calls.set(name, call);
    return call;
  };
  const server = createServer((request, response) => {
    const calledMs = performance.now();
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const { triggers } = JSON.parse(text) as { triggers: { name: string }[] };
      for (const { name } of triggers) callOf(name).resolve(calledMs);
      response.writeHead(204).end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calledFor: (index) => callOf(nameOf(index)).promise,
    forget: () => calls.clear(),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

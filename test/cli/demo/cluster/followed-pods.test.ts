import { setImmediate as turn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { FollowedPods } from '../../../../cli/demo/cluster/followed-pods.ts';
import { MillraceError } from '../../../../core/contract/errors.ts';
import { podKind } from '../../../../core/resources/kinds.ts';
import type { PodLogs } from '../../../../core/contract/kubernetes-client.ts';
import { MemoryKubernetes } from '../../../fixtures/kubernetes/memory-kubernetes.ts';
import { until } from '../../../scaler/fixtures/until.ts';

const running = { running: {} };
const ended = { terminated: { exitCode: 3 } };
const broken = new MillraceError('MILLRACE_KUBERNETES_UNREACHABLE', 'the log broke off');
const missing = new MillraceError('MILLRACE_KUBERNETES_MISSING', 'no such pod');

/** What one connection gives: lines, and how it ends. */
type Stream = { lines: readonly string[]; then?: Error | (() => Promise<unknown>) };

async function follow(t: Test, streams: Stream[]) {
  const client = new MemoryKubernetes();
  const output: string[] = [];
  let reads = 0;
  const logs: PodLogs = {
    async *follow() {
      const { lines, then } = streams[Math.min(reads, streams.length - 1)]!;
      reads += 1;
      yield* lines;
      if (then instanceof Error) throw then;
      await then?.();
    },
  };
  const end = new AbortController();
  t.teardown(() => end.abort());
  const pods = await FollowedPods.start({
    resources: client,
    logs,
    namespace: 'demo',
    onLine: (app, pod, line) => void output.push(`${app} ${pod} ${line}`),
    signal: end.signal,
  });
  const become = async (status: object): Promise<void> => {
    const metadata = { name: 'a', namespace: 'demo', labels: { app: 'stats' } };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata };
    await client.apply(pod, { fieldManager: 'kubelet' });
    await client.apply({ ...pod, status }, { fieldManager: 'kubelet', subresource: 'status' });
    await turn();
    await turn();
  };
  const stateIs = (kind: string) => until(() => pods.stateOf('a')?.kind === kind, 5_000);
  return { client, pods, output, become, stateIs, reads: () => reads };
}

const container = (state: object) => ({ containerStatuses: [{ state }] });

t.test('a log that breaks off is taken up where it was', async (t) => {
  const { pods, output, become, stateIs, reads } = await follow(t, [
    { lines: ['1', '2'], then: broken },
    { lines: ['1'], then: broken },
    { lines: ['1', '2', '3'] },
  ]);
  t.equal(pods.stateOf('a'), undefined);
  await become(container(running));
  await until(() => output.length === 3, 5_000);
  t.strictSame(output, ['stats a 1', 'stats a 2', 'stats a 3']);
  t.equal(pods.count('stats'), 1);
  await become(container(ended));
  await stateIs('ended');
  t.strictSame(pods.stateOf('a'), { kind: 'ended', exitCode: 3 });
  t.ok(reads() >= 4, 'it is read once more when it is known to be over');
  t.equal(output.length, 3);
});

t.test('what ends is followed before it counts as ended, and counts until it is gone', async (t) => {
  let release: (() => void) | undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const { client, pods, become, stateIs } = await follow(t, [{ lines: ['1'], then: () => held }]);
  await become(container(ended));
  t.strictSame(pods.stateOf('a'), { kind: 'running' });
  await client.remove(podKind, 'demo', 'a');
  await stateIs('gone');
  t.equal(pods.count('stats'), 1, 'its log is still read');
  release?.();
  await until(() => pods.count('stats') === 0, 5_000);
});

t.test('a pod that is gone has no more to say', async (t) => {
  const { client, pods, become } = await follow(t, [{ lines: ['1'], then: missing }]);
  await become(container(running));
  await client.remove(podKind, 'demo', 'a');
  await until(() => pods.count('stats') === 0, 5_000);
  t.equal(pods.count('others'), 0);
});

t.test('a pod that does not start says why', async (t) => {
  const { pods, become, reads } = await follow(t, [{ lines: [] }]);
  const cases: [object, string][] = [
    [{}, 'it is not scheduled yet'],
    [{ conditions: [{ status: 'False', message: 'no node has room' }] }, 'no node has room'],
    [
      container({ waiting: { reason: 'ErrImagePull', message: 'no such image' } }),
      'ErrImagePull: no such image',
    ],
  ];
  for (const [status, reason] of cases) {
    await become(status);
    t.strictSame(pods.stateOf('a'), { kind: 'waiting', reason });
  }
  t.equal(reads(), 0);
});

// Against a real broker: what is asked in the same turn is one request, and each has the answer to its own question.
import t from 'tap';
import { createTopic, uniqueName, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { openConnections } from '../fixtures/offsets.ts';

t.setTimeout(120_000);

for (const metadataMaxAgeMs of [0, 60_000])
  t.test(`where answers are kept for ${metadataMaxAgeMs} ms`, async (t) => {
    const servers = await useKafka(t);
    const [topic, other] = await Promise.all([
      createTopic(t, servers, { partitions: 1 }),
      createTopic(t, servers, { partitions: 2 }),
    ]);
    const sent: string[] = [];
    const { topology } = openConnections(t, servers, {
      metadataMaxAgeMs,
      onRequest: (apiName) => sent.push(apiName),
    });
    const deadlineMs = performance.now() + 60_000;
    const sizeOf = async (name: string): Promise<number | string> => {
      const leaders = (await topology.topics(new Set([name]), deadlineMs)).leadersOf(name);
      return 'error' in leaders ? leaders.error.code : leaders.size;
    };
    const isCoordinated = async (group: string): Promise<boolean> => {
      const found = await topology.coordinators([group], deadlineMs);
      const coordinator = found.get(group);
      return found.size === 1 && coordinator !== undefined && !('error' in coordinator);
    };
    const groups = Array.from({ length: 3 }, () => uniqueName('group'));
    await until(() => isCoordinated(uniqueName('first')));
    sent.length = 0;

    const sizes = await Promise.all([topic, other, 'not-there', topic].map(sizeOf));
    t.strictSame(sizes, [1, 2, 'MILLRACE_TOPIC_MISSING', 1], 'what is missing keeps nobody');
    t.strictSame(sent.splice(0), ['Metadata']);
    t.strictSame(await Promise.all(groups.map(isCoordinated)), [true, true, true]);
    t.strictSame(sent.splice(0), ['FindCoordinator']);

    await Promise.all([sizeOf(topic), ...groups.map(isCoordinated)]);
    t.strictSame(sent.sort(), metadataMaxAgeMs === 0 ? ['FindCoordinator', 'Metadata'] : []);
  });

// The broker's configuration, where it depends on something.

import t from 'tap';
import { formatProperties, serverProperties } from '../../../cli/kafka/server-properties.ts';

const first = { id: 1, port: 9092, controllerPort: 9192 };
const cluster = [
  first,
  { id: 2, port: 9093, controllerPort: 9193 },
  { id: 3, port: 9094, controllerPort: 9194 },
];

t.test('a single broker finds its quorum; three are configured with it', async (t) => {
  const alone = serverProperties(first, [first], '/data');
  t.equal(alone['controller.quorum.bootstrap.servers'], '127.0.0.1:9192');
  t.equal(alone['controller.quorum.voters'], undefined);
  t.equal(alone['offsets.topic.replication.factor'], '1');

  const one = serverProperties(first, cluster, '/data');
  t.equal(one['controller.quorum.bootstrap.servers'], undefined);
  t.equal(one['controller.quorum.voters'], '1@127.0.0.1:9192,2@127.0.0.1:9193,3@127.0.0.1:9194');
  t.equal(one['offsets.topic.replication.factor'], '3');
  t.equal(one['transaction.state.log.min.isr'], '2');
});

t.test('a single broker of a release without dynamic quorums is configured with it, too', async (t) => {
  const alone = serverProperties(first, [first], '/data', {}, 'static');
  t.equal(alone['controller.quorum.bootstrap.servers'], undefined);
  t.equal(alone['controller.quorum.voters'], '1@127.0.0.1:9192');
});

t.test('overrides win', async (t) => {
  const properties = serverProperties(first, [first], '/data', { 'auto.create.topics.enable': 'true' });
  t.equal(properties['auto.create.topics.enable'], 'true');
});

t.test('values are written so that Java reads them back', async (t) => {
  const properties = {
    plain: 'a=b c',
    path: 'C:\\kafka',
    pem: '-----BEGIN\nMII\r\n',
    spaced: ' x',
    text: 'é€',
  };
  t.equal(
    formatProperties(properties),
    'plain=a=b c\npath=C:\\\\kafka\npem=-----BEGIN\\nMII\\r\\n\nspaced=\\ x\ntext=\\u00e9\\u20ac\n',
  );
});

import t from 'tap';
import {
  checkRecordOptions,
  composeRecord,
  type RecordOptions,
} from '../../../cli/commands/compose-records.ts';
import type { OutgoingRecord } from '../../../core/contract/record-sink.ts';

const plain: RecordOptions = {
  topic: 'orders',
  lines: false,
  header: [],
  null: false,
  extension: [],
  structured: false,
};

function compose(
  input: string,
  options: Partial<RecordOptions>,
): OutgoingRecord & { named: Record<string, string> } {
  const record = composeRecord(Buffer.from(input), { ...plain, ...options });
  const named = Object.fromEntries(record.headers.map(({ name, value }) => [name, value?.toString() ?? '']));
  return { ...record, named };
}

t.test('plain records', async (t) => {
  const bare = compose('hello', {});
  t.match(bare, { topic: 'orders', key: null, headers: [] });
  t.equal(bare.value?.toString(), 'hello');
  const full = compose('hello', { key: 'k', header: ['a=1', 'b=x=y', 'empty='], contentType: 'text/plain' });
  t.equal(full.key?.toString(), 'k');
  t.strictSame(full.named, { a: '1', b: 'x=y', empty: '', 'content-type': 'text/plain' });
  t.equal(compose('', { null: true, key: 'k' }).value, null, 'a tombstone');
});

t.test('keys in lines', async (t) => {
  const options = { lines: true, keySeparator: '::' };
  const split = compose('key::va::lue', options);
  t.equal(split.key?.toString(), 'key');
  t.equal(split.value?.toString(), 'va::lue');
  const whole = compose('no separator', { ...options, key: 'default' });
  t.equal(whole.key?.toString(), 'default');
  t.equal(whole.value?.toString(), 'no separator');
});

t.test('CloudEvents, binary', async (t) => {
  const { named, value } = compose('{"a":1}', {
    type: 'x.y',
    subject: 's',
    extension: ['tenant=t1'],
    header: ['h=1'],
  });
  t.match(named, {
    ce_specversion: '1.0',
    ce_type: 'x.y',
    ce_source: '/millrace/send',
    ce_id: /^[0-9a-f-]{36}$/,
    ce_time: /^\d{4}-.*Z$/,
    ce_subject: 's',
    ce_tenant: 't1',
    'content-type': 'application/json',
    h: '1',
  });
  t.equal(value?.toString(), '{"a":1}');
  t.equal(compose('plain words', { type: 'x' }).named['content-type'], 'text/plain');
  const bytes = composeRecord(Buffer.from([0xff, 0xfe]), { ...plain, type: 'x' });
  t.match(
    String(bytes.headers.find(({ name }) => name === 'content-type')?.value),
    'application/octet-stream',
  );
  t.equal(compose('', { type: 'x', null: true }).named['content-type'], undefined);
});

t.test('CloudEvents, structured', async (t) => {
  const { named, value, key } = compose('{"a":1}', {
    type: 'x.y',
    id: '7',
    source: '/me',
    time: '2026-01-01T00:00:00Z',
    structured: true,
    extension: ['partitionkey=p'],
  });
  t.match(named['content-type'], /^application\/cloudevents\+json/);
  t.equal(key?.toString(), 'p', 'the key is the partition key, where no other is given');
  t.match(JSON.parse(String(value)), {
    specversion: '1.0',
    id: '7',
    source: '/me',
    type: 'x.y',
    time: '2026-01-01T00:00:00Z',
    data: { a: 1 },
  });
});

t.test('options that do not go together are all named', async (t) => {
  const wrong = (options: Partial<RecordOptions>): string => {
    try {
      checkRecordOptions({ ...plain, ...options });
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  t.equal(wrong({}), '');
  t.equal(wrong({ type: 'x', id: '1', structured: true, extension: ['a1=b'] }), '');
  t.equal(
    wrong({ id: '1', structured: true, extension: ['a=b'] }),
    '--id is for CloudEvents, so it needs --type; --structured is for CloudEvents, so it needs --type; ' +
      '--extension is for CloudEvents, so it needs --type',
  );
  t.match(wrong({ type: 'x', id: '1', lines: true }), '--id is for one event');
  t.match(wrong({ null: true, lines: true }), '--null');
  t.match(wrong({ keySeparator: ':' }), '--key-separator needs --lines');
  t.match(wrong({ type: 'x', extension: ['A-b=1'] }), '--extension A-b');
});

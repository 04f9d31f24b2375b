// What is said of the fields of a Trigger, one by one.
import t from 'tap';
import { formatProblem } from '../../../../core/contract/manifest-problem.ts';
import { pathText } from '../../../../core/contract/path.ts';
import { fieldTable } from '../../../../core/resources/schema/fields.ts';
import { validateTrigger } from '../../../../core/resources/validation/validate-trigger.ts';
import { triggerWording } from '../../../../core/resources/validation/wording.ts';
import { mistakesIn, triggerWith } from '../minimal-trigger.ts';

const told: readonly [changes: Readonly<Record<string, unknown>>, mistakes: readonly string[]][] = [
  [
    { spec: undefined },
    [
      'spec: is missing. Write `spec: { source: { topics: [ orders ] }, function: { ref: { name: order-mailer } } }`.',
    ],
  ],
  [{ 'metadata.name': undefined }, ['metadata.name: is missing. Write `name: order-mailer`.']],
  [{ 'spec.delivery.retries': 3 }, ['spec.delivery.retries: is not a field here. Did you mean `retry`?']],
  [{ 'spec.source.topic': 'a' }, ['spec.source.topic: is not a field here. Did you mean `topics`?']],
  [{ 'spec.retry': 3 }, ['spec.retry: is not a field here. Did you mean `spec.delivery.retry`?']],
  [
    { 'spec.reply': { topic: 'a', zzzzzz: 1 } },
    ['spec.reply.zzzzzz: is not a field here. The fields here are topic, transactional.'],
  ],
  [
    { 'spec.source.topics': 'orders, payments' },
    [
      'spec.source.topics: must be a list of 1 to 256 topic names, is "orders, payments". Write a list: `topics: [ orders, payments ]`.',
    ],
  ],
  [
    { 'spec.source.topics': '' },
    [
      'spec.source.topics: must be a list of 1 to 256 topic names, is empty. Write `topics: [ orders ]`, for example.',
    ],
  ],
  [
    { 'spec.source.topics': ['a', 'b', 'a'] },
    ['spec.source.topics[2]: is "a", which is in the list already. Write it once.'],
  ],
  [
    { 'spec.delivery.retry': '10' },
    [
      'spec.delivery.retry: must be a whole number of at least -1, is "10". Write the number without quotes: `retry: 10`.',
    ],
  ],
  [
    { 'spec.delivery.retry': 'ten' },
    ['spec.delivery.retry: must be a whole number of at least -1, is "ten". Write `retry: 10`, for example.'],
  ],
  [
    { 'spec.suspend': 'yes' },
    ['spec.suspend: must be true or false, is "yes". Write true or false: `suspend: true`.'],
  ],
  [
    { 'spec.suspend': 'no' },
    ['spec.suspend: must be true or false, is "no". Write true or false: `suspend: false`.'],
  ],
  [
    { 'spec.suspend': 'false' },
    ['spec.suspend: must be true or false, is "false". Write it without quotes: `suspend: false`.'],
  ],
  [
    { 'spec.function.contentMode': 'batch' },
    [
      'spec.function.contentMode: must be one of binary, structured, batched, is "batch". Did you mean `contentMode: batched`?',
    ],
  ],
  [
    { 'spec.function.contentMode': 'json' },
    [
      'spec.function.contentMode: must be one of binary, structured, batched, is "json". Write `contentMode: binary`, for example.',
    ],
  ],
  [
    { 'spec.filters': [{ exact: { amount: 3 } }] },
    [
      'spec.filters[0].exact.amount: must be a string of 1 to 1024 characters, is 3. Write it in quotes: `amount: "3"`.',
    ],
  ],
  [
    { 'spec.reply.topic': true },
    [/^spec\.reply\.topic: must be a topic name .*, is true\. Write it in quotes: `topic: "true"`\.$/].map(
      String,
    ),
  ],
  [
    { 'spec.delivery.timeout': 30 },
    [
      'spec.delivery.timeout: must be an ISO 8601 duration from PT0.001S to P24D, such as PT30S, is 30. Write `timeout: PT30S`, for example.',
    ],
  ],
  [
    { 'spec.function.concurrency': '8' },
    [
      'spec.function.concurrency: must be a whole number of at least 1, or adaptive, is "8". Write the number without quotes: `concurrency: 8`.',
    ],
  ],
  [
    { 'spec.delivery.rateLimit': 100 },
    [
      'spec.delivery.rateLimit: must be a mapping, is 100. Write `rateLimit: { eventsPerSecond: 100 }`, for example.',
    ],
  ],
  [
    { 'spec.scale': null },
    ['spec.scale: must be a mapping, is empty. Write its fields below it, or leave it out.'],
  ],
  [
    { 'spec.filters': [{ Type: 'a', prefix: { type: 'b' } }] },
    [
      'spec.filters[0]: must be a mapping with exactly one of exact, prefix, suffix, all, any, not, cesql, cel, has Type and prefix. ' +
        'Write each as a filter of its own (all filters must pass), or as items of `all` or `any`.',
      'spec.filters[0].Type: is not a field here. The fields here are exact, prefix, suffix, all, any, not, cesql, cel.',
    ],
  ],
  [
    { 'spec.filters': [{ exact: { 'a/b~c': 'd' } }] },
    [
      'spec.filters[0].exact["a/b~c"]: is not the name of a CloudEvents attribute. ' +
        'Attribute names are lower-case letters and digits, at most 128, such as type, subject or kafkatopic.',
    ],
  ],
  [
    { 'spec.source.topics': Array.from({ length: 300 }, (_, index) => `t${index}`) },
    ['spec.source.topics: must be a list of 1 to 256 topic names, has 300. Write fewer.'],
  ],
  [
    { 'spec.filters': [{ cesql: `id = '${'😀'.repeat(4_990)}` }] },
    ['spec.filters[0].cesql: must have at most 4096 characters, has 4996. Shorten it.'],
  ],
  [
    {
      'spec.filters': [
        { exact: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`a${index}`, 'b'])) },
      ],
    },
    ['spec.filters[0].exact: must be a mapping of 1 to 32 attribute names to strings, has 33. Write fewer.'],
  ],
  [
    { 'metadata.labels': { 'a b': 'c' } },
    [
      'metadata.labels["a b"]: is not the name of a label or annotation. ' +
        'A name has at most 63 letters, digits, hyphens, underscores or dots, after a DNS name and a slash if there are any.',
    ],
  ],
  [
    { 'metadata.annotations': { 'millrace.dev/dev-command': 1 } },
    [
      'metadata.annotations["millrace.dev/dev-command"]: must be a string of 1 to 4096 characters, is 1. Write it in quotes: `millrace.dev/dev-command: "1"`.',
    ],
  ],
];
for (const [changes, mistakes] of told) {
  t.test(JSON.stringify(changes), async (t) => {
    const found = mistakesIn(changes);
    t.equal(found.length, mistakes.length, found.join('\n'));
    for (const [index, mistake] of mistakes.entries()) {
      const text = String(found[index]);
      if (mistake.startsWith('/')) t.match(text, new RegExp(mistake.slice(1, -1)));
      else t.equal(text, mistake);
    }
  });
}

const notBuilt: readonly [path: string, value: unknown, message: string][] = [
  ['spec.transform', [{ cel: 'a' }], 'a list is not built yet (inline processing)'],
];
for (const [path, value, message] of notBuilt) {
  t.test(`${path}: ${message}`, async (t) => {
    const verdict = validateTrigger(triggerWith({ [path]: value }), triggerWording);
    if (verdict.kind === 'right') throw new Error('it must be refused');
    t.strictSame(
      verdict.mistakes.map((mistake) => [mistake.code, mistake.message]),
      [['MILLRACE_FIELD_NOT_BUILT', message]],
    );
    t.match(verdict.mistakes[0]?.remedy, /^[A-Z].*\.$/);
  });
}

t.test('every field that is not built says what to do instead', async (t) => {
  for (const { path, schema } of fieldTable)
    if (schema.notBuilt) t.match(schema.notBuilt.instead, /\.$/, path);
});

t.test('the password of a URL is not shown', async (t) => {
  const [mistake] = mistakesIn({
    'spec.function.ref': undefined,
    'spec.function.uri': 'http://user:secret@a/',
  });
  t.match(mistake, /is "\*\*\*@a\/"/);
  t.notMatch(mistake, /secret/);
  const [number] = mistakesIn({ 'spec.function.ref': undefined, 'spec.function.uri': 1 });
  t.match(number, /is 1\. Write `uri: http:\/\/localhost:8080\/`, for example\.$/);
});

t.test('of a spec that is too large, nothing else is told; of metadata, everything is', async (t) => {
  const long = Array.from({ length: 20 }, () => ({ cel: 'x'.repeat(4_000) }));
  t.strictSame(mistakesIn({ 'spec.filters': long, 'spec.retries': 1, 'metadata.name': undefined }), [
    'spec: must hold at most 64 KiB of names and values. Write less of it.',
  ]);
  const annotations = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`a${index}`, 'x'.repeat(20_000)]),
  );
  t.strictSame(mistakesIn({ 'metadata.annotations': annotations, 'spec.suspend': 1 }), [
    'metadata.annotations: must hold at most 256 KiB of names and values. Write less of it.',
    'spec.suspend: must be true or false, is 1. Write `suspend: false`, for example.',
  ]);
});

t.test('of very many mistakes, the first hundred are told', async (t) => {
  const unknown = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`a${index}`, index]));
  const mistakes = mistakesIn({ 'spec.delivery': unknown });
  t.equal(mistakes.length, 101);
  t.equal(mistakes.at(-1), ': has more mistakes than these 100. Correct these first.');
});

t.test('no mistake is longer than what a status can hold of it', async (t) => {
  const long = 'x'.repeat(20_000);
  for (const changes of [
    { [`spec.${long}`]: 1 },
    { 'spec.source.topics': long },
    { 'spec.source.topics': Array.from({ length: 3_000 }, () => 'topic').join(', ') },
    { 'spec.source.topics': [long] },
    { 'spec.filters': [{ exact: { [long]: 'a' } }] },
    { 'spec.filters': [{ [long]: 'a', cel: 'true' }] },
    { 'spec.function.contentMode': long },
    { 'spec.source.consumerGroup': `millrace.other.${long.slice(0, 480)}` },
    { 'metadata.name': long },
  ]) {
    const verdict = validateTrigger(triggerWith(changes), triggerWording);
    if (verdict.kind === 'right') throw new Error(`it must be refused: ${Object.keys(changes).join()}`);
    for (const { code, at, message, remedy } of verdict.mistakes)
      t.ok(formatProblem({ code, path: pathText(at), message, remedy }).length < 1_600);
  }
});

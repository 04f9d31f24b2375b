import { Readable, Writable } from 'node:stream';
import t from 'tap';
import type { CommandIo } from '../../../cli/command-io.ts';
import { runTryCommand, type TryOptions } from '../../../cli/commands/try.ts';
import { runCli } from '../fixtures/run-cli.ts';

t.setTimeout(60_000);

const event = {
  specversion: '1.0',
  id: '1',
  source: '/orders',
  type: 'order.placed',
  region: 'eu',
  datacontenttype: 'application/json',
  data: { total: 250, items: [{ sku: 'a' }] },
};

/** What is printed, which is one JSON object on one line, and the exit code. */
async function run(options: TryOptions, input: unknown = event): Promise<{ code: number; answer: unknown }> {
  let printed = '';
  const write = (chunk: Buffer, _encoding: string, done: () => void): void => {
    printed += chunk.toString();
    done();
  };
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  const stdin = Readable.from([Buffer.from(text)]);
  const stdout = new Writable({ write });
  const io = { stdin, stdout, stderr: stdout, env: {}, signal: new AbortController().signal };
  const code = await runTryCommand(options, io as unknown as CommandIo);
  if (!/^[^\n]+\n$/.test(printed)) throw new Error(`not one line: ${printed}`);
  return { code, answer: JSON.parse(printed) };
}

t.test('from the command line', async (t) => {
  const input = JSON.stringify(event);
  t.match(await runCli(t, ['try', '--cel', 'data.total >= 100.0'], { input }), {
    code: 0,
    stdout: '{"value":true}\n',
    stderr: '',
  });
  const { code, stdout } = await runCli(t, ['try', '--cesql', '1 +'], { input });
  t.match(
    { code, answer: JSON.parse(stdout) },
    { code: 1, answer: { value: false, error: { code: 'parse' } } },
  );
});

t.test('an expression on an event', async (t) => {
  const cases: [options: TryOptions, code: number, answer: object][] = [
    [{ cel: 'data.total >= 100.0' }, 0, { value: true }],
    [{ cel: 'data.items.map(i, i.sku)' }, 0, { value: ['a'] }],
    [{ cel: '9007199254740993' }, 0, { value: '9007199254740993' }],
    [
      { cel: 'subject' },
      0,
      {
        value: false,
        error: { code: 'missingAttribute', message: 'the event has no attribute subject' },
      },
    ],
    [
      { cel: 'data.total >> 1' },
      1,
      { value: false, error: { code: 'parse', message: 'found > but expecting end of input', at: 11 } },
    ],
    [{ cesql: "region = 'eu'" }, 0, { value: true }],
    [{ cesql: 'LENGTH(type)' }, 0, { value: 12 }],
  ];
  for (const [args, code, answer] of cases) t.strictSame(await run(args), { code, answer });
});

t.test('an expression of CESQL has a value even where it errs', async (t) => {
  t.match(await run({ cesql: 'ABS(region)' }), {
    code: 0,
    answer: { value: 0, error: { code: 'cast' } },
  });
  t.match(await run({ cesql: '1 +' }), { code: 1, answer: { value: false, error: { code: 'parse' } } });
});

t.test('filters: which refuses, and why', async (t) => {
  const trigger = (name: string, filter: string): string =>
    `apiVersion: millrace.dev/v1alpha1
kind: Trigger
metadata: { name: ${name} }
spec:
  source: { topics: [orders] }
  filters: [${filter}]
  function: { ref: { name: mailer } }
`;
  const dir = t.testdir({
    'list.yaml': '- exact: { type: order.placed }\n- all: [{ cel: "data.total > 1000.0" }]\n',
    'list.json': '{"filters":[{"prefix":{"type":"order."}}]}',
    'one.yaml': trigger('one', '{ cesql: subject }'),
    'two.yaml': `${trigger('one', '{ not: { exact: { region: eu } } }')}---\n${trigger('two', '{ suffix: { region: u } }')}`,
    'wrong.yaml': '- exct: { type: a }\n- cel: frob()\n',
    'empty.yaml': 'kind: ConfigMap\napiVersion: v1\n',
    'none.yaml': '{',
  });
  const filtersOf = (file: string) => run({ filters: `${dir}/${file}` });
  t.strictSame(await filtersOf('list.yaml'), {
    code: 0,
    answer: {
      value: false,
      refusedBy: {
        path: 'filters[1].all[0]',
        filter: { cel: 'data.total > 1000.0' },
        why: 'the expression evaluates to false',
      },
    },
  });
  t.strictSame(await filtersOf('list.json'), { code: 0, answer: { value: true } });
  t.match(await filtersOf('one.yaml'), {
    code: 0,
    answer: {
      trigger: 'default/one',
      value: false,
      refusedBy: { filter: { cesql: 'subject' }, error: { code: 'missingAttribute' } },
    },
  });
  t.match(await filtersOf('two.yaml'), {
    code: 0,
    answer: {
      value: true,
      triggers: [
        { trigger: 'default/one', value: false, refusedBy: { filter: { not: { exact: { region: 'eu' } } } } },
        { trigger: 'default/two', value: true },
      ],
    },
  });
  t.match(await filtersOf('wrong.yaml'), {
    code: 1,
    answer: {
      value: false,
      error: {
        code: 'filters',
        message: /filters\[0\]\.exct: .*\n.*filters\[1\]\.cel: is not valid CEL: there is no function frob/,
      },
    },
  });
  t.match(await filtersOf('empty.yaml'), {
    code: 1,
    answer: { error: { message: /neither a list of filters/ } },
  });
  t.match(await filtersOf('none.yaml'), { code: 1, answer: { error: { code: 'filters' } } });
  t.match(await filtersOf('gone.yaml'), {
    code: 1,
    answer: { error: { message: /^cannot read .*gone\.yaml/ } },
  });
});

t.test('input that is no event is reported with what is wrong, and where', async (t) => {
  const { id: _, type: __, ...less } = event;
  const cases: [input: unknown, message: RegExp][] = [
    ['', /: it is empty/],
    ['{"id": 1,}', /: it is not JSON: .*position 9/],
    [[event], /: it is a list; write one CloudEvent/],
    ['null', /: it is null, not an object/],
    ['"event"', /: it is a string, not an object/],
    [less, /: it has no id, no type; write a CloudEvent such as \{/],
    [{ ...event, specversion: '0.3' }, /: the specversion is "0.3", not "1.0"/],
    [{ ...event, id: '' }, /: the attribute id is missing or empty/],
    [{ ...event, Region: 'eu' }, /: the attribute name "Region" may contain only/],
  ];
  for (const [input, message] of cases)
    t.match(await run({ cel: 'true' }, input), {
      code: 1,
      answer: { value: false, error: { code: 'event', message } },
    });
});

t.test('exactly one of the three', async (t) => {
  for (const options of [{}, { cel: 'true', cesql: 'TRUE' }])
    await t.rejects(run(options), {
      code: 'MILLRACE_CONFIG_INVALID',
      message: /exactly one of --cesql, --cel and --filters/,
    });
});

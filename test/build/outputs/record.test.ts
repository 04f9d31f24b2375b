// Processes that leak a secret in every possible way, and what the search finds.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { checkOutputs } from '../../../.build/outputs/check.ts';

const recorder = new URL('../../../.build/outputs/record.js', import.meta.url).href;
const cwd = fileURLToPath(new URL('../../../', import.meta.url));

/** The findings after a process has run `lines`, which contain `secret`. */
async function leaks(t: Test, lines: string): Promise<string[]> {
  const folder = t.testdir();
  const program = `import { planted } from './test/fixtures/secrets/planted.ts';\nconst secret = planted('a');\n${lines}`;
  const env = { ...process.env, MILLRACE_TEST_OUTPUTS: folder };
  const args = [`--import=${recorder}`, '--input-type=module', '-e', program];
  await promisify(execFile)(process.execPath, args, { cwd, env }).catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== 1) throw error;
  });
  const { output } = await checkOutputs(folder, true);
  return output.split('\n');
}

const found = (kind: string, form = 'as it is'): RegExp =>
  new RegExp(`^eval\\.${process.pid}\\.\\d+\\.${kind}, byte \\d+: a planted secret, ${form}, after: `);

t.test('the search finds what a process prints', async (t) => {
  for (const [lines, kind] of [
    ['console.log(secret)', 'stdout'],
    ['console.error(secret)', 'stderr'],
    ["import { writeSync } from 'node:fs'; writeSync(1, secret)", 'stdout'],
    ["import fs from 'node:fs'; fs.write(2, Buffer.from(secret), () => {})", 'stderr'],
    ["import { pino } from 'pino'; pino().info(secret)", 'stdout'],
    ["import { pino } from 'pino'; pino(pino.destination({ fd: 2, sync: true })).info(secret)", 'stderr'],
    ["import { pino } from 'pino'; pino({}, { write() {} }).info({ secret }, 'started')", 'log'],
    ['throw new Error("why", { cause: new Error(secret) })', 'fatal'],
    ['void Promise.reject(new Error(secret))', 'fatal'],
  ] as const)
    t.match((await leaks(t, lines)).join('\n'), new RegExp(found(kind), 'm'), lines);
});

t.test('the search finds what a process prints in another form', async (t) => {
  const printed = async (expression: string) => (await leaks(t, `console.log(${expression})`))[0];
  t.match(await printed("btoa('user:' + secret)"), found('stdout', 'base64'));
  t.match(await printed('Buffer.from(secret)'), found('stdout', 'a Buffer'));
  t.match(await printed("Buffer.from(secret).toString('hex')"), found('stdout', 'hexadecimal'));
});

t.test('the search finds headers and bodies of fastify', async (t) => {
  const server = (route: string) => `
    import { fastify } from 'fastify';
    const server = fastify();
    server.get('/', ${route});
    await fetch(await server.listen({ host: '127.0.0.1', port: 0 }));
    await server.close();`;
  for (const route of [
    '() => ({ secret })',
    '(_, reply) => reply.send(Buffer.from(secret))',
    "(_, reply) => reply.header('x-secret', secret).send('')",
    '() => { throw new Error(secret) }',
  ])
    t.match(await leaks(t, server(route)), [found('http')], route);
});

t.test('the search finds messages and errors of gRPC', async (t) => {
  const server = (answer: string) => `
    import grpc from '@grpc/grpc-js';
    const code = (bytes) => bytes;
    const method = { path: '/a.A/ask', requestStream: false, responseStream: false };
    const codes = { requestSerialize: code, requestDeserialize: code, responseSerialize: code, responseDeserialize: code };
    const service = { ask: { ...method, ...codes } };
    const server = new grpc.Server();
    server.addService(service, { ask: (_, callback) => callback(${answer}) });
    const bind = (resolve) => server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_, port) => resolve(port));
    const port = await new Promise(bind);
    const Client = grpc.makeGenericClientConstructor(service, 'A');
    const client = new Client('127.0.0.1:' + port, grpc.credentials.createInsecure());
    await new Promise((resolve) => client.ask(Buffer.from('?'), resolve));
    client.close();
    server.forceShutdown();`;
  for (const answer of ['null, Buffer.from(secret)', '{ code: 3, details: secret }'])
    t.match(await leaks(t, server(answer)), [found('grpc')], answer);
});

t.test('a process that leaks nothing passes', async (t) => {
  t.strictSame(await leaks(t, 'console.log(secret.length)'), ['']);
});

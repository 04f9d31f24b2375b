// Loaded first into each Node process of a test run. Records what the process prints, logs and answers, for the search at the end of the run.
//
//   <script>.<parent>.<process>.stdout, .stderr     what it prints
//                              .log                 lines of pino, wherever they go
//                              .http, .grpc         answers of servers: of fastify, and of HTTP/2
//                              .fatal               what Node prints by itself: warnings and uncaught errors
//   planted                                         names of the planted secrets
import { subscribe } from 'node:diagnostics_channel';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join, relative } from 'node:path';
import { inspect } from 'node:util';

const folder = process.env.MILLRACE_TEST_OUTPUTS;
const { openSync, writeSync } = fs;
const files = new Map();
/** The runner prints again what the tests have printed. */
const isRunner = process.argv[1]?.includes(join('node_modules', 'tap'));

if (folder && !isRunner) {
  recordPrinted();
  recordAnswers();
  subscribe('tracing:pino_asJson:end', ({ result }) => record('log', result));
  subscribe('millrace.test.planted', (name) => appendTo('planted', `${name}\n`));
  process.on('uncaughtExceptionMonitor', (error) => record('fatal', inspect(error)));
  process.on('warning', (warning) => record('fatal', inspect(warning)));
}

function record(kind, content) {
  const script = relative(process.cwd(), process.argv[1] ?? 'eval').match(/\w[\w/.-]*$/)?.[0] ?? '';
  appendTo(`${script.replaceAll('/', '+').slice(-100)}.${process.ppid}.${process.pid}.${kind}`, content);
}

function appendTo(name, content) {
  if (!files.has(name)) files.set(name, openSync(join(folder, name), 'a'));
  writeSync(files.get(name), content);
}

function recordPrinted() {
  const kinds = { 1: 'stdout', 2: 'stderr' };
  for (const kind of Object.values(kinds))
    before(process[kind], 'write', ([content]) => record(kind, content));
  for (const name of ['write', 'writeSync'])
    before(fs, name, ([fd, content]) => {
      if (fd in kinds) record(kinds[fd], content);
    });
  syncBuiltinESMExports();
}

function recordAnswers() {
  subscribe('fastify.initialization', ({ fastify }) => {
    fastify.addHook('onSend', async (_request, reply, content) => {
      record('http', `${reply.statusCode} ${JSON.stringify(reply.getHeaders())}\n`);
      if (typeof content === 'string' || content instanceof Uint8Array) record('http', content);
    });
  });
  subscribe('http2.server.stream.created', ({ stream }) => {
    for (const name of ['respond', 'sendTrailers'])
      before(stream, name, ([headers]) => record('grpc', `${JSON.stringify(headers)}\n`));
    for (const name of ['write', 'end'])
      before(stream, name, ([content]) => {
        if (content instanceof Uint8Array) record('grpc', content);
      });
  });
}

/** Calls `observe` before the method, which otherwise stays unchanged. */
function before(target, name, observe) {
  target[name] = new Proxy(target[name], {
    apply(method, self, parameters) {
      observe(parameters);
      return Reflect.apply(method, self, parameters);
    },
  });
}

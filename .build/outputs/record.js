// Loaded first into each Node process of a run of the tests: keeps what it prints, logs and answers, for the search at the end of the run.
//
//   <script>.<parent>.<process>.stdout, .stderr     what is printed
//                              .log                 lines of pino, wherever they go
//                              .http, .grpc         what servers of ours answer: those of fastify, and of HTTP/2
//                              .fatal               what Node prints by itself: warnings, and what nobody caught
//   planted                                         names of the secrets that were made up
import { subscribe } from 'node:diagnostics_channel';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join, relative } from 'node:path';
import { inspect } from 'node:util';

const folder = process.env.MILLRACE_TEST_OUTPUTS;
const { openSync, writeSync } = fs;
const files = new Map();
/** Prints what the tests have printed. */
const isRunner = process.argv[1]?.includes(join('node_modules', 'tap'));

if (folder && !isRunner) {
  keepPrinted();
  keepAnswers();
  subscribe('tracing:pino_asJson:end', ({ result }) => keep('log', result));
  subscribe('millrace.test.planted', (name) => keepIn('planted', `${name}\n`));
  process.on('uncaughtExceptionMonitor', (error) => keep('fatal', inspect(error)));
  process.on('warning', (warning) => keep('fatal', inspect(warning)));
}

function keep(kind, content) {
  const script = relative(process.cwd(), process.argv[1] ?? 'eval').match(/\w[\w/.-]*$/)?.[0] ?? '';
  keepIn(`${script.replaceAll('/', '+').slice(-100)}.${process.ppid}.${process.pid}.${kind}`, content);
}

function keepIn(name, content) {
  if (!files.has(name)) files.set(name, openSync(join(folder, name), 'a'));
  writeSync(files.get(name), content);
}

function keepPrinted() {
  const kinds = { 1: 'stdout', 2: 'stderr' };
  for (const kind of Object.values(kinds)) before(process[kind], 'write', ([content]) => keep(kind, content));
  for (const name of ['write', 'writeSync'])
    before(fs, name, ([fd, content]) => {
      if (fd in kinds) keep(kinds[fd], content);
    });
  syncBuiltinESMExports();
}

function keepAnswers() {
  subscribe('fastify.initialization', ({ fastify }) => {
    fastify.addHook('onSend', async (_request, reply, content) => {
      keep('http', `${reply.statusCode} ${JSON.stringify(reply.getHeaders())}\n`);
      if (typeof content === 'string' || content instanceof Uint8Array) keep('http', content);
    });
  });
  subscribe('http2.server.stream.created', ({ stream }) => {
    for (const name of ['respond', 'sendTrailers'])
      before(stream, name, ([headers]) => keep('grpc', `${JSON.stringify(headers)}\n`));
    for (const name of ['write', 'end'])
      before(stream, name, ([content]) => {
        if (content instanceof Uint8Array) keep('grpc', content);
      });
  });
}

/** The method stays what it is, with all that is known of it. */
function before(target, name, look) {
  target[name] = new Proxy(target[name], {
    apply(method, self, parameters) {
      look(parameters);
      return Reflect.apply(method, self, parameters);
    },
  });
}

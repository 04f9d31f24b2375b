// Starts the processes that the benchmarks measure, one for each part, so that their CPU time can be told apart.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ages } from './sink.ts';
import { manifestOf, type BenchTrigger } from './triggers.ts';

export interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export interface SinkReport {
  readonly requests: number;
  /** Events in these requests. */
  readonly events: number;
  readonly ages: Ages;
}

export interface Sink {
  readonly origin: string;
  reset(): void;
  report(): Promise<SinkReport>;
  stop(): Promise<void>;
}

export interface GatewayProcess {
  /** CPU seconds since the start, and resident memory in bytes, from its own metrics. */
  usage(): Promise<{ cpuSeconds: number; residentBytes: number }>;
  isReady(): Promise<boolean>;
  stop(): Promise<void>;
}

/** The first option is the one that the command itself runs with. The second hides warnings about the Kafka client's timers. */
export const nodeOptions = ['--max-semi-space-size=32', '--disable-warning=TimeoutNegativeWarning'];

const extension = import.meta.filename.slice(-3);

function start(script: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): ChildProcess {
  return fork(join(import.meta.dirname, `${script}${extension}`), args, {
    env,
    execArgv: nodeOptions,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Runs a script that reports once and ends. */
export async function measure(
  script: 'bare' | 'consume',
  args: readonly (string | number)[],
): Promise<Measured> {
  const child = start(script, args.map(String));
  const [message] = (await Promise.race([once(child, 'message'), failAtExit(child, script)])) as [Measured];
  return message;
}

async function failAtExit(child: ChildProcess, script: string): Promise<never> {
  const [code] = (await once(child, 'exit')) as [number | null];
  throw new Error(`the benchmark's process ${script} ended with exit code ${code} before it reported`);
}

/** Starts the function of the benchmarks. With `echo`, it answers with an event that has the data of the request. */
export async function startSink(workMs: number, echo = false): Promise<Sink> {
  const child = start('sink', [String(workMs), ...(echo ? ['echo'] : [])]);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    origin: `http://127.0.0.1:${port}`,
    reset: () => void child.send('reset'),
    report: async () => {
      child.send('report');
      const [report] = (await once(child, 'message')) as [SinkReport];
      return report;
    },
    stop: () => stop(child),
  };
}

/** Starts the gateway as deployed, by `millrace gateway`, with one trigger. */
export async function startGatewayProcess(brokers: string, trigger: BenchTrigger): Promise<GatewayProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const file = join(folder, 'trigger.yaml');
  await writeFile(file, manifestOf(trigger));
  const args = ['gateway', '--triggers', file, '--admin-port', '0'];
  const child = start('../main', args, { ...process.env, KAFKA_BROKERS: brokers, LOG_LEVEL: 'error' });
  const adminUrl = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const url = /ADMIN_URL=(\S+)/.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', (code) =>
      reject(new Error(`the gateway ended with exit code ${code} before it listened`)),
    );
  });
  return {
    isReady: async () => (await fetch(`${adminUrl}/readyz`)).ok,
    usage: async () => {
      const text = await (await fetch(`${adminUrl}/metrics`)).text();
      return {
        cpuSeconds: metric(text, 'process_cpu_seconds_total'),
        residentBytes: metric(text, 'process_resident_memory_bytes'),
      };
    },
    stop: async () => {
      await stop(child);
      await rm(folder, { recursive: true });
    },
  };
}

function metric(text: string, name: string): number {
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`the gateway has no metric ${name}`);
  return Number(value);
}

/** Waits until `isDone`, which it polls every 100 ms. Rejects after `limitMs`. */
export async function until(isDone: () => Promise<boolean>, limitMs: number, what: string): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await isDone())) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${limitMs / 1000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// Runs a real Apache Kafka on this machine without Docker, with one broker or three, for `millrace dev`, the demo and the tests.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isPortClash, spawnBroker, type BrokerExit, type BrokerProcess } from './broker-process.ts';
import { lockDir } from './dir-lock.ts';
import { ensureKafkaInstalled, type KafkaInstallation } from './install-kafka.ts';
import { jvmArguments, readArchive } from './jvm.ts';
import type { KafkaRelease } from './kafka-release.ts';
import { openLogDirs } from './log-dir.ts';
import { findFreePorts, requireFreePort } from './free-ports.ts';
import { formatProperties, serverProperties, type BrokerAddress } from './server-properties.ts';

type BrokerProperties = Readonly<Record<string, string>>;

export type LocalKafkaOptions = {
  /** Port of the first broker; the others have the ports after it. Any free ports if absent or 0. */
  port?: number | undefined;
  /** Directory that keeps the data for the next run. If absent, a temporary directory that `stop` removes. */
  dir?: string | undefined;
  brokers?: 1 | 3 | undefined;
  /** Absent: the newest. */
  release?: KafkaRelease | undefined;
  log?: ((line: string) => void) | undefined;
  /** Broker properties that override the defaults; a function, called at each start, if the brokers differ. */
  properties?: BrokerProperties | ((broker: BrokerAddress) => BrokerProperties) | undefined;
  /** Java system properties, by name. */
  systemProperties?: Readonly<Record<string, string>> | undefined;
  heapMb?: number | undefined;
  /** Compile for throughput instead of a quick start. */
  benchmark?: boolean | undefined;
};

export type LocalBroker = {
  readonly id: number;
  readonly port: number;
  /** Process id of the current run; `restart` changes it. */
  readonly pid: number;
  /** Resolves when the current run ends; `expected` is false when it died by itself. Never rejects. */
  readonly exited: Promise<BrokerExit>;
  /** Sends SIGKILL. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** Shuts the broker down, and sends SIGKILL after 10 s. */
  stop(): Promise<void>;
  /** Stops the broker if it runs, and starts it with the same port and data. Resolves when it serves clients. */
  restart(): Promise<void>;
  /** Sends SIGSTOP: the broker keeps its connections open and does not answer. */
  suspend(): void;
  continue(): void;
};

export type LocalKafka = {
  /** `127.0.0.1:PORT`, comma-separated. */
  bootstrapServers: string;
  brokers: LocalBroker[];
  /** Ends every broker and removes the temporary directory. Idempotent. */
  stop(): Promise<void>;
};

const startLimitMs = 60_000;
const stopLimitMs = 10_000;
const startAttempts = 3;

/**
 * Resolves when every broker serves clients. Installs Kafka on first use.
 * @throws MillraceError `MILLRACE_TOOL_MISSING`, `MILLRACE_LOCAL_KAFKA_FAILED`; nothing is then left running
 */
export async function startLocalKafka(options: LocalKafkaOptions = {}): Promise<LocalKafka> {
  const installation = await ensureKafkaInstalled({
    log: options.log ?? (() => {}),
    release: options.release,
  });
  const home = await openHome(options.dir);
  try {
    for (let attempt = 1; ; attempt += 1) {
      const addresses = await chooseAddresses(options.brokers ?? 1, options.port ?? 0);
      try {
        return await startCluster(installation, addresses, home, options);
      } catch (error) {
        if (attempt === startAttempts || !isPortClash(error)) throw error;
      }
    }
  } catch (error) {
    await home.close();
    throw error;
  }
}

/** The directory of a cluster's files. `close` removes it if it is temporary. */
type Home = { dir: string; temporary: boolean; close(): Promise<void> };

async function openHome(path: string | undefined): Promise<Home> {
  if (path !== undefined) {
    const dir = resolve(path);
    return { dir, temporary: false, close: await lockDir(dir) };
  }
  const dir = await mkdtemp(join(tmpdir(), 'millrace-kafka-'));
  return { dir, temporary: true, close: () => rm(dir, { recursive: true, force: true }) };
}

async function chooseAddresses(count: number, firstPort: number): Promise<BrokerAddress[]> {
  const free = await findFreePorts(count * 2);
  const addresses = [];
  for (let index = 0; index < count; index += 1) {
    const [port = 0, controllerPort = 0] = free.slice(index * 2);
    const wanted = firstPort + index;
    if (firstPort !== 0) await requireFreePort(wanted);
    addresses.push({ id: index + 1, port: firstPort === 0 ? port : wanted, controllerPort });
  }
  return addresses;
}

async function startCluster(
  installation: KafkaInstallation,
  addresses: readonly BrokerAddress[],
  home: Home,
  options: LocalKafkaOptions,
): Promise<LocalKafka> {
  const { dir, temporary } = home;
  const logDirs = await openLogDirs(dir, addresses.length, installation.templates);
  const log = options.log ?? (() => {});

  const brokers = addresses.map((address, index) => {
    const configPath = join(dir, `server-${address.id}.properties`);
    const logDir = logDirs[index] ?? dir;
    const properties = (): Record<string, string> => {
      const { properties: own } = options;
      const overrides = typeof own === 'function' ? own(address) : own;
      return serverProperties(address, addresses, logDir, overrides, installation.release.quorum);
    };
    const args = jvmArguments(installation.classPath, configPath, {
      heapMb: options.heapMb ?? (addresses.length === 1 ? 512 : 256),
      benchmark: options.benchmark ?? false,
      systemProperties: options.systemProperties,
      archive: installation.archivePath === undefined ? [] : readArchive(installation.archivePath),
    });
    return createBroker(address, async () => {
      await writeFile(configPath, formatProperties(properties()));
      return spawnBroker({
        javaPath: installation.javaPath,
        args,
        temporaryDir: temporary ? dir : undefined,
        log,
      });
    });
  });
  await startAll(brokers);

  // Temporary data is discarded, so those brokers need no orderly shutdown.
  const stop = async (): Promise<void> => {
    await Promise.all(brokers.map(({ broker }) => (temporary ? broker.kill() : broker.stop())));
    await home.close();
  };
  let stopping: Promise<void> | undefined;
  return {
    bootstrapServers: addresses.map(({ port }) => `127.0.0.1:${port}`).join(','),
    brokers: brokers.map(({ broker }) => broker),
    stop: () => (stopping ??= stop()),
  };
}

type StartableBroker = { broker: LocalBroker; start(): Promise<void> };

function createBroker({ id, port }: BrokerAddress, launch: () => Promise<BrokerProcess>): StartableBroker {
  let run: BrokerProcess | undefined;
  const current = (): BrokerProcess => {
    if (run === undefined) throw new Error(`Broker ${id} was never started.`);
    return run;
  };
  const start = async (): Promise<void> => {
    run = await launch();
    await run.ready(startLimitMs);
  };
  const stop = async (): Promise<void> => run?.stop(stopLimitMs);
  const broker: LocalBroker = {
    id,
    port,
    get pid() {
      return current().pid;
    },
    get exited() {
      return current().exited;
    },
    kill: async () => run?.kill(),
    stop,
    restart: async () => {
      await stop();
      await start();
    },
    suspend: () => current().signal('SIGSTOP'),
    continue: () => current().signal('SIGCONT'),
  };
  return { broker, start };
}

async function startAll(brokers: readonly StartableBroker[]): Promise<void> {
  try {
    await Promise.all(brokers.map((broker) => broker.start()));
  } catch (error) {
    await Promise.all(brokers.map(({ broker }) => broker.kill()));
    throw error;
  }
}

// A whole cluster: control plane, a node, DNS and KEDA in a network of their own, and a Kafka beside it that pods can reach. It ends with this
// process, however that ends.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalKafka, type LocalKafka } from '../../cli/kafka/local-kafka.ts';
import { apiServer, type ApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { startDns } from './dns.ts';
import { writeImage } from '../../.build/image/archive.ts';
import { installKeda, loadKedaImages } from './keda.ts';
import { labPrefix, removeLeftovers } from './leftovers.ts';
import { writeFunctionImage, writeMillraceImage } from './millrace-image.ts';
import { addresses, startNetwork, type LabNetwork } from './network.ts';
import { removeGroups, startNode, untilNodeReady, type LabNode } from './node.ts';
import { requirePackages } from './packages.ts';
import { toolPath } from './tools.ts';

/** What another process needs to know to use a running cluster. */
export type ClusterFacts = {
  kubeconfig: string;
  /** Reachable from pods and from here. */
  bootstrapServers: string;
  dir: string;
  /** A command prefix that runs a program in the cluster's network. */
  prefix: readonly string[];
};

export type Cluster = ClusterFacts & { stop(): Promise<void> };

type Log = (line: string) => void;

const sayAloud: Log = (line) => void process.stderr.write(`lab: ${line}\n`);

/** Resolves when KEDA is ready. Builds what is missing, which takes a quarter of an hour on a new machine. */
export async function startCluster(log: Log = sayAloud): Promise<Cluster> {
  await requirePackages(log);
  await removeLeftovers();
  await removeGroups();
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed()) await end();
  };
  const step = timer(log);
  try {
    const dir = await mkdtemp(join(tmpdir(), labPrefix));
    stops.push(() => rm(dir, { recursive: true, force: true, maxRetries: 10 }));
    const archives = writeOwnImages(dir);
    archives.catch(() => undefined);
    const network = await startNetwork(dir);
    stops.push(() => network.stop());
    const kafka = await startKafka();
    stops.push(() => kafka.stop());
    step('Kafka');
    const plane = await startControlPlane({
      dir,
      address: addresses.node,
      prefix: network.prefix,
      serviceRange: addresses.services,
    });
    stops.push(() => plane.stop());
    step('control plane');
    const server = apiServer(plane.kubeconfig);
    const node = await startNodeWith(plane, network, server, stops);
    step('node');
    await installKeda(server.kubectl, dir);
    step('KEDA');
    for (const archive of await archives) await node.load(archive);
    step('images of Millrace and of the function');
    const facts: ClusterFacts = {
      kubeconfig: plane.kubeconfig,
      bootstrapServers: `${addresses.host}:${kafka.brokers[0]?.port ?? 0}`,
      dir,
      prefix: network.prefix,
    };
    await writeFile(join(dir, 'cluster.json'), JSON.stringify(facts));
    return { ...facts, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Listens on all addresses, and advertises one that pods can reach. */
function startKafka(): Promise<LocalKafka> {
  return startLocalKafka({
    properties: ({ port, controllerPort }) => ({
      listeners: `PLAINTEXT://0.0.0.0:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://${addresses.host}:${port}`,
    }),
  });
}

async function startNodeWith(
  plane: ControlPlane,
  network: LabNetwork,
  server: ApiServer,
  stops: (() => Promise<unknown>)[],
): Promise<LabNode> {
  const node = await startNode(plane, network.prefix);
  stops.push(() => node.stop());
  const pause = join(plane.dir, 'pause.tar');
  const layers = [{ '/pause': await toolPath('pause') }];
  await writeImage({ name: 'localhost/pause:1', entrypoint: ['/pause'], layers }, pause);
  await node.load(pause);
  await loadKedaImages(node, plane.dir);
  const dns = await startDns(plane, network.prefix, server.kubectl);
  stops.push(() => dns.stop(0));
  await untilNodeReady(server.kubectl);
  return node;
}

async function writeOwnImages(dir: string): Promise<string[]> {
  const millrace = join(dir, 'millrace.tar');
  const ownFunction = join(dir, 'function.tar');
  await writeFunctionImage(ownFunction);
  await writeMillraceImage(millrace);
  return [ownFunction, millrace];
}

function timer(log: Log): (what: string) => void {
  let sinceMs = performance.now();
  return (what) => {
    log(`${what}: ${((performance.now() - sinceMs) / 1000).toFixed(1)} s`);
    sinceMs = performance.now();
  };
}

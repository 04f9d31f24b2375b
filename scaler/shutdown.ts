// What the scaler does at SIGTERM, and at a start that fails: it closes its parts, each before what it works with. `Scaler.stop` is this.
import type { Logger } from 'pino';
import type { Controller } from '../controller/controller.ts';
import type { GrpcServer } from './grpc/grpc-server.ts';

interface Closable {
  close(): unknown;
}

/** What runs in a scaler. While it starts, some parts are not there yet. */
export interface ScalerParts {
  controller?: Pick<Controller, 'stop'> | undefined;
  /** Stops asking Kafka until it answers for the first time. */
  stopFirstPoll?: () => void;
  grpc?: Pick<GrpcServer, 'stop'>;
  httpServer?: Closable;
  access?: Closable;
  /** Stops following the triggers. */
  unwatch?: () => void;
  groupDemand?: Closable;
  groups?: Closable;
  demand?: Closable;
  keeper?: Closable;
  drainTargets?: Closable;
  offsets?: Closable;
  /** Credentials for the installation's own Kafka. */
  security?: Closable | undefined;
  /** Where triggers and Secrets come from. */
  sources?: Closable;
}

/** A part that fails to close does not keep the others open. */
export async function shutDownScaler(parts: ScalerParts, log: Logger): Promise<void> {
  log.info('the scaler stops: the controller finishes what it does, and the streams to KEDA end');
  const steps: (() => unknown)[] = [
    // The controller finishes what is under way and gives the Lease back, so that another scaler leads at once.
    () => parts.controller?.stop(),
    () => parts.stopFirstPoll?.(),
    // KEDA's push streams end, and it asks another scaler.
    () => parts.grpc?.stop(),
    () => parts.httpServer?.close(),
    () => parts.access?.close(),
    () => parts.unwatch?.(),
    () => parts.groupDemand?.close(),
    () => parts.groups?.close(),
    () => parts.demand?.close(),
    () => parts.keeper?.close(),
    () => parts.drainTargets?.close(),
    () => parts.offsets?.close(),
    () => parts.security?.close(),
    () => parts.sources?.close(),
  ];
  for (const step of steps) {
    try {
      await step();
    } catch {
      // What cannot be closed is gone already.
    }
  }
  log.info('the scaler has stopped');
}

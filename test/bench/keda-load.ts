// Polls the scaler for many triggers over gRPC as KEDA's operator does: each by a clock of its own, so that polls come evenly.
import { credentials, type Client, type ServiceError } from '@grpc/grpc-js';
import { loadExternalScaler } from '../../scaler/grpc/proto-definition.ts';
import { nameOf } from './sleeping-triggers.ts';

type Unary = (request: object, callback: (error: ServiceError | null, answer: unknown) => void) => void;

export interface KedaLoad {
  /** Milliseconds from call to answer since the last look. */
  takeLatencies(): number[];
  /** Rejects where a call had an error. */
  stop(): Promise<void>;
}

const pollingMs = 10_000;

/** IsActive and GetMetrics of each of `triggers` triggers, every ten seconds. */
export function startKedaLoad(grpcPort: number, triggers: number): KedaLoad {
  const client: Client = new (loadExternalScaler().client)(
    `127.0.0.1:${grpcPort}`,
    credentials.createInsecure(),
  );
  let latencies: number[] = [];
  const failures: ServiceError[] = [];
  const call = (method: string, request: object): void => {
    const startMs = performance.now();
    (client as unknown as Record<string, Unary>)[method]?.call(client, request, (error) => {
      latencies.push(performance.now() - startMs);
      if (error !== null) failures.push(error);
    });
  };
  const startMs = performance.now();
  let polled = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) / pollingMs) * triggers;
    for (; polled < due; polled += 1) {
      const name = nameOf(polled % triggers);
      const scaledObjectRef = { name, namespace: 'bench', scalerMetadata: {} };
      call('IsActive', scaledObjectRef);
      call('GetMetrics', { scaledObjectRef, metricName: `millrace-${name}` });
    }
  }, 5);
  return {
    takeLatencies: () => {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    stop: () => {
      clearInterval(timer);
      client.close();
      const [failure] = failures;
      if (failure === undefined) return Promise.resolve();
      return Promise.reject(new Error(`${failures.length} polls failed`, { cause: failure }));
    },
  };
}

// Checks that the scaler answers at the address that KEDA will call, because KEDA waits long before it retries a first call that
// failed.
import { readFile } from 'node:fs/promises';
import { credentials, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { describeError } from '../../core/contract/errors.ts';
import type { TlsFiles } from '../../core/access/certificate-files.ts';
import { loadExternalScaler, type ScaledObjectRef } from './proto-definition.ts';

export interface ProbedScaler {
  readonly address: string;
  /** The CA that signed the scaler's certificate, PEM; plain text if undefined. */
  readonly ca: string | undefined;
}

export interface ScalerProbe {
  /** True if the scaler knows the trigger, else the reason. A failure is cached for a while. Never rejects. */
  ask(scaler: ProbedScaler, namespace: string, trigger: string): Promise<true | string>;
}

/** How long a call may take. */
const limitMs = 3_000;
/** How long a failure is cached. It is the answer for every trigger in that time. */
const failureMs = 1_000;

/** If the scaler requires client certificates, the probe presents the scaler's own, that of `tls`. */
export function createScalerProbe(tls?: TlsFiles): ScalerProbe {
  let failed: { readonly why: string; readonly untilMs: number } | undefined;
  return {
    async ask(scaler, namespace, name) {
      if (failed !== undefined && performance.now() < failed.untilMs) return failed.why;
      const ref = { name, namespace, scalerMetadata: { trigger: name } };
      const answer = await metricSpec(scaler, tls, ref).catch(describeError);
      failed = answer === true ? undefined : { why: answer, untilMs: performance.now() + failureMs };
      return answer;
    },
  };
}

/** Calls `GetMetricSpec`: it is KEDA's own first call, and never depends on Kafka. */
async function metricSpec(
  { address, ca }: ProbedScaler,
  tls: TlsFiles | undefined,
  ref: ScaledObjectRef,
): Promise<true | string> {
  const client = new (loadExternalScaler().client)(address, await channelOf(ca, tls));
  const call = client as unknown as {
    GetMetricSpec(
      request: ScaledObjectRef,
      options: { deadline: number },
      callback: (error: ServiceError | null) => void,
    ): void;
  };
  try {
    return await new Promise((resolve) => {
      call.GetMetricSpec(ref, { deadline: Date.now() + limitMs }, (error) =>
        resolve(error === null ? true : error.details || error.message),
      );
    });
  } finally {
    client.close();
  }
}

async function channelOf(ca: string | undefined, tls: TlsFiles | undefined): Promise<ChannelCredentials> {
  if (ca === undefined) return credentials.createInsecure();
  if (tls === undefined) return credentials.createSsl(Buffer.from(ca));
  const [key, cert] = await Promise.all([readFile(tls.keyPath), readFile(tls.certPath)]);
  return credentials.createSsl(Buffer.from(ca), key, cert);
}

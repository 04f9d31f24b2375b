// Whether the scaler answers where KEDA will call it: KEDA waits long before it tries again what did not answer at first.
import { readFile } from 'node:fs/promises';
import { credentials, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { describeError } from '../../core/contract/errors.ts';
import type { TlsFiles } from '../../core/access/certificate-files.ts';
import { loadExternalScaler, type ScaledObjectRef } from './proto-definition.ts';

/** Where the scaler is reached, and the CA that it is trusted by, PEM; plain text without one. */
export interface ProbedScaler {
  readonly address: string;
  readonly ca: string | undefined;
}

export interface ScalerProbe {
  /** True where the scaler knows the trigger, else why not; the same for a while. Never rejects. */
  ask(scaler: ProbedScaler, namespace: string, trigger: string): Promise<true | string>;
}

/** How long an answer may take, and how long no other trigger asks again after a failure, in ms. */
const limitMs = 3_000;
const failureMs = 1_000;

/** Where the scaler asks its callers who they are, it is shown the certificate of `tls`: its own. */
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

/** `GetMetricSpec`, which never depends on Kafka: KEDA's own first call. */
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

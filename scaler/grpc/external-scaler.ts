// KEDA's external scaler service: translates between the proto and Demand, and decides nothing.
import { isDeepStrictEqual } from 'node:util';
import {
  status,
  type handleServerStreamingCall as HandleStream,
  type handleUnaryCall as HandleUnary,
  type ServerErrorResponse,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { describeError, MillraceError, type ErrorCode } from '../../core/contract/errors.ts';
import type { Scaling } from '../activation/demand.ts';
import { isGroupMetadata } from '../activation/group-metadata.ts';
import type { WatchedGroups } from '../activation/watched-groups.ts';
import type { EmitScaler } from '../scaler-events.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';
import type {
  GetMetricSpecResponse,
  GetMetricsRequest,
  GetMetricsResponse,
  IsActiveResponse,
  ScaledObjectRef,
} from './proto-definition.ts';

export interface ExternalScalerOptions {
  readonly demand: Scaling;
  readonly triggers: WantedTriggers;
  /** What a ScaledObject asks for that names no trigger. */
  readonly groups: Pick<WatchedGroups, 'watch'>;
  readonly groupDemand: Scaling;
  readonly emit: EmitScaler;
}

export interface ExternalScaler {
  readonly handlers: UntypedServiceImplementation;
  /**
   * Ends all streams with OK: KEDA opens a stream that ended so again after 2 s; after an error it waits up
   * to a minute.
   */
  endStreams(): void;
}

/** What a call is about, and who answers for it. */
interface Scaled {
  readonly key: string;
  readonly scaling: Scaling;
}

export function createExternalScaler(options: ExternalScalerOptions): ExternalScaler {
  const { emit, triggers } = options;
  const streams = new Set<ServerWritableStream<ScaledObjectRef, unknown>>();
  const scaledBy = (ref: ScaledObjectRef | null): Scaled => scaledOf(ref, options);

  const handlers = {
    IsActive: unary('IsActive', emit, async (ref: ScaledObjectRef): Promise<IsActiveResponse> => {
      const { key, scaling } = scaledBy(ref);
      return { result: await scaling.isActive(key) };
    }),

    GetMetricSpec: unary('GetMetricSpec', emit, async (ref: ScaledObjectRef) => specOf(scaledBy(ref))),

    GetMetrics: unary('GetMetrics', emit, async (request: GetMetricsRequest): Promise<GetMetricsResponse> => {
      const { key, scaling } = scaledBy(request.scaledObjectRef);
      const metricName = request.metricName || scaling.metricSpec(key).metricName;
      const metric = await scaling.metric(key);
      return {
        metricValues: [{ metricName, metricValue: metric.toString(), metricValueFloat: Number(metric) }],
      };
    }),

    StreamIsActive: stream<IsActiveResponse>(streams, scaledBy, ({ key, scaling }, listener) => {
      // Each push says the same: who has not taken the last one needs no other.
      const stop = scaling.onActive(key, () => {
        if (!listener.isBehind()) listener.write({ result: true });
      });
      emit('streamOpened', key);
      return () => {
        stop();
        emit('streamClosed', key);
      };
    }),

    StreamMetricSpec: stream<GetMetricSpecResponse>(streams, scaledBy, (scaled, listener) => {
      let told: GetMetricSpecResponse | undefined;
      const tell = (): void => {
        const spec = specOf(scaled);
        if (isDeepStrictEqual(spec, told)) return;
        told = spec;
        listener.write(spec);
      };
      tell();
      // What a ScaledObject says itself does not change: KEDA opens another stream for another metadata.
      if (scaled.scaling !== options.demand) return () => undefined;
      return triggers.onChange(() => {
        if (triggers.find(scaled.key) !== undefined) tell();
      });
    }),
  };

  return {
    handlers,
    endStreams() {
      for (const call of streams) call.end();
    },
  };
}

function unary<Q, A>(
  method: string,
  emit: EmitScaler,
  answer: (request: Q) => Promise<A>,
): HandleUnary<Q, A> {
  return ({ request }, callback) => {
    answer(request).then(
      (response) => {
        emit('answered', method, 'OK');
        callback(null, response);
      },
      (error: unknown) => {
        const failure = statusOf(error);
        emit('answered', method, status[failure.code]);
        callback(failure);
      },
    );
  };
}

interface Listener<A> {
  write(answer: A): void;
  /** Whether what was written before has not gone out. */
  isBehind(): boolean;
}

/** Opens with `subscribe`, which returns how to stop; ends when KEDA cancels, or with `endStreams`. */
function stream<A>(
  streams: Set<ServerWritableStream<ScaledObjectRef, unknown>>,
  scaledBy: (ref: ScaledObjectRef) => Scaled,
  subscribe: (scaled: Scaled, listener: Listener<A>) => () => void,
): HandleStream<ScaledObjectRef, A> {
  return (call) => {
    try {
      const unsubscribe = subscribe(scaledBy(call.request), {
        write(answer) {
          if (!call.cancelled && !call.writableEnded) call.write(answer);
        },
        isBehind: () => call.writableLength > 0,
      });
      streams.add(call);
      const close = (): void => {
        if (streams.delete(call)) unsubscribe();
      };
      for (const end of ['cancelled', 'close', 'finish', 'error']) call.on(end, close);
    } catch (error) {
      call.emit('error', statusOf(error));
    }
  };
}

/**
 * A trigger by the metadata `trigger`, else by the ScaledObject's own name; or a consumer group. Throws where the call names nothing
 * that is known, or describes a group wrongly.
 */
function scaledOf(
  ref: ScaledObjectRef | null,
  { demand, triggers, groups, groupDemand }: ExternalScalerOptions,
): Scaled {
  if (ref === null || !isNamed(ref))
    throw new MillraceError('MILLRACE_TRIGGER_UNKNOWN', 'The call names no namespace and trigger');
  const { namespace, name, scalerMetadata: metadata } = ref;
  if (isGroupMetadata(metadata))
    return { key: groups.watch({ namespace, name, metadata }), scaling: groupDemand };
  return { key: triggers.get(`${namespace}/${metadata.trigger || name}`).key, scaling: demand };
}

/** By names that Kubernetes may know, as far as their length says. */
function isNamed({ namespace, name }: ScaledObjectRef): boolean {
  const isLong = namespace.length > 63 || name.length > 253;
  return namespace !== '' && name !== '' && !isLong;
}

function specOf({ key, scaling }: Scaled): GetMetricSpecResponse {
  const { metricName, targetSize } = scaling.metricSpec(key);
  return { metricSpecs: [{ metricName, targetSize, targetSizeFloat: targetSize }] };
}

/** It may quote what was asked, and goes into a header. */
const maxTold = 2_000;

/** Of what is not listed, nothing can be said for now. */
const statusOfCode: Partial<Record<ErrorCode, status>> = {
  MILLRACE_TRIGGER_UNKNOWN: status.NOT_FOUND,
  MILLRACE_SCALER_METADATA_INVALID: status.INVALID_ARGUMENT,
  MILLRACE_SCALER_FULL: status.RESOURCE_EXHAUSTED,
};

function statusOf(error: unknown): Partial<ServerErrorResponse> & { code: status } {
  const told = describeError(error).slice(0, maxTold);
  if (!(error instanceof MillraceError)) return grpcError(status.INTERNAL, told);
  const details = `${error.code}: ${told}. ${innermostOf(error).remedy}`;
  return grpcError(statusOfCode[error.code] ?? status.UNAVAILABLE, details);
}

function grpcError(code: status, details: string): Partial<ServerErrorResponse> & { code: status } {
  return Object.assign(new Error(details), { code, details });
}

function innermostOf(error: MillraceError): MillraceError {
  return error.cause instanceof MillraceError ? innermostOf(error.cause) : error;
}

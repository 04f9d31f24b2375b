// KEDA's external scaler service. It translates between the proto and Demand, and decides nothing itself.
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
  /** The consumer groups of ScaledObjects that name no trigger. */
  readonly groups: Pick<WatchedGroups, 'watch'>;
  readonly groupDemand: Scaling;
  readonly emit: EmitScaler;
}

export interface ExternalScaler {
  readonly handlers: UntypedServiceImplementation;
  /**
   * Ends all streams with OK. KEDA reopens a stream that ended with OK after 2 s; after an error it waits up to a
   * minute.
   */
  endStreams(): void;
}

/** The trigger or group that a call is about, and the Demand that answers for it. */
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
      // All pushes are equal, so a client that has not read the last one needs no other.
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
      let lastSent: GetMetricSpecResponse | undefined;
      const send = (): void => {
        const spec = specOf(scaled);
        if (isDeepStrictEqual(spec, lastSent)) return;
        lastSent = spec;
        listener.write(spec);
      };
      send();
      // The spec of a consumer group never changes: KEDA opens another stream when the metadata changes.
      if (scaled.scaling !== options.demand) return () => undefined;
      return triggers.onChangeOf(scaled.key, send);
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
  /** Whether earlier writes are still buffered. */
  isBehind(): boolean;
}

/** Opens with `subscribe`, which returns a function that unsubscribes. Ends when KEDA cancels, or with `endStreams`. */
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
 * The consumer group that the metadata describes, else the trigger that the metadata `trigger` names, else the trigger with the
 * name of the ScaledObject. Throws if there is no such trigger, or if the description of the group has mistakes.
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

/** Whether both names have a length that Kubernetes allows. */
function isNamed({ namespace, name }: ScaledObjectRef): boolean {
  const isLong = namespace.length > 63 || name.length > 253;
  return namespace !== '' && name !== '' && !isLong;
}

function specOf({ key, scaling }: Scaled): GetMetricSpecResponse {
  const { metricName, targetSize } = scaling.metricSpec(key);
  return { metricSpecs: [{ metricName, targetSize, targetSizeFloat: targetSize }] };
}

/** The details of an error may quote the request, and they are sent in a header. */
const maxDetailsLength = 2_000;

/** Every other code becomes UNAVAILABLE: the answer is not known for now. */
const statusOfCode: Partial<Record<ErrorCode, status>> = {
  MILLRACE_TRIGGER_UNKNOWN: status.NOT_FOUND,
  MILLRACE_SCALER_METADATA_INVALID: status.INVALID_ARGUMENT,
  MILLRACE_SCALER_FULL: status.RESOURCE_EXHAUSTED,
};

function statusOf(error: unknown): Partial<ServerErrorResponse> & { code: status } {
  const message = describeError(error).slice(0, maxDetailsLength);
  if (!(error instanceof MillraceError)) return grpcError(status.INTERNAL, message);
  const details = `${error.code}: ${message}. ${innermostOf(error).remedy}`;
  return grpcError(statusOfCode[error.code] ?? status.UNAVAILABLE, details);
}

function grpcError(code: status, details: string): Partial<ServerErrorResponse> & { code: status } {
  return Object.assign(new Error(details), { code, details });
}

function innermostOf(error: MillraceError): MillraceError {
  return error.cause instanceof MillraceError ? innermostOf(error.cause) : error;
}

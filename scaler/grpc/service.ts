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
import { describeError, MillraceError, type ErrorCode } from '../../gateway/contract/errors.ts';
import type { Scaling } from '../activation/demand.ts';
import { isGroupMetadata } from '../activation/group-metadata.ts';
import type { WatchedGroups } from '../activation/watched-groups.ts';
import type { EmitScaler } from '../events.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';
import type {
  GetMetricSpecResponse,
  GetMetricsRequest,
  GetMetricsResponse,
  IsActiveResponse,
  ScaledObjectRef,
} from './definition.ts';

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

    StreamIsActive: stream<IsActiveResponse>(streams, scaledBy, ({ key, scaling }, write) => {
      const stop = scaling.onActive(key, () => write({ result: true }));
      emit('streamOpened', key);
      return () => {
        stop();
        emit('streamClosed', key);
      };
    }),

    StreamMetricSpec: stream<GetMetricSpecResponse>(streams, scaledBy, (scaled, write) => {
      let told: GetMetricSpecResponse | undefined;
      const tell = (): void => {
        const spec = specOf(scaled);
        if (isDeepStrictEqual(spec, told)) return;
        told = spec;
        write(spec);
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

/** Opens with `subscribe`, which returns how to stop; ends when KEDA cancels, or with `endStreams`. */
function stream<A>(
  streams: Set<ServerWritableStream<ScaledObjectRef, unknown>>,
  scaledBy: (ref: ScaledObjectRef) => Scaled,
  subscribe: (scaled: Scaled, write: (answer: A) => void) => () => void,
): HandleStream<ScaledObjectRef, A> {
  return (call) => {
    try {
      const unsubscribe = subscribe(scaledBy(call.request), (answer) => {
        if (!call.cancelled && !call.writableEnded) call.write(answer);
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

/** Throws where the call names nothing that is known, or describes a group wrongly. */
function scaledOf(
  ref: ScaledObjectRef | null,
  { demand, triggers, groups, groupDemand }: ExternalScalerOptions,
): Scaled {
  if (ref !== null && ref.namespace !== '' && ref.name !== '' && isGroupMetadata(ref.scalerMetadata)) {
    const key = groups.watch({ namespace: ref.namespace, name: ref.name, metadata: ref.scalerMetadata });
    return { key, scaling: groupDemand };
  }
  return { key: triggers.get(keyOf(ref)).key, scaling: demand };
}

/** `namespace/name` of the trigger: of the metadata `trigger`, else of the ScaledObject's own name. */
function keyOf(ref: ScaledObjectRef | null): string {
  const name = ref?.scalerMetadata.trigger || ref?.name;
  if (ref === null || ref.namespace === '' || name === undefined || name === '') {
    throw new MillraceError('MILLRACE_TRIGGER_UNKNOWN', 'The call names no namespace and trigger');
  }
  return `${ref.namespace}/${name}`;
}

function specOf({ key, scaling }: Scaled): GetMetricSpecResponse {
  const { metricName, targetSize } = scaling.metricSpec(key);
  return { metricSpecs: [{ metricName, targetSize, targetSizeFloat: targetSize }] };
}

/** Of what is not listed, nothing can be said for now. */
const statusOfCode: Partial<Record<ErrorCode, status>> = {
  MILLRACE_TRIGGER_UNKNOWN: status.NOT_FOUND,
  MILLRACE_SCALER_METADATA_INVALID: status.INVALID_ARGUMENT,
  MILLRACE_SCALER_FULL: status.RESOURCE_EXHAUSTED,
};

function statusOf(error: unknown): Partial<ServerErrorResponse> & { code: status } {
  if (!(error instanceof MillraceError)) return grpcError(status.INTERNAL, describeError(error));
  const details = `${error.code}: ${describeError(error)}. ${innermostOf(error).remedy}`;
  return grpcError(statusOfCode[error.code] ?? status.UNAVAILABLE, details);
}

function grpcError(code: status, details: string): Partial<ServerErrorResponse> & { code: status } {
  return Object.assign(new Error(details), { code, details });
}

function innermostOf(error: MillraceError): MillraceError {
  return error.cause instanceof MillraceError ? innermostOf(error.cause) : error;
}
